"""Whose a video node is, by a sysfs tree like the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from yibao_face.drivers.api import DeviceConfigError
from yibao_face.drivers.uvc.linux.node import Places, named, nodes


class Machine:
    """A tree below ``root`` with a hub and what is plugged in."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root / "sys", root / "dev")
        self.bus = root / "sys/devices/pci0000:00/0000:00:14.0/usb1"
        self.by_path = root / "dev/v4l/by-path"
        self.by_path.mkdir(parents=True)
        (root / "sys/class/video4linux").mkdir(parents=True)
        fill(self.bus, bDeviceClass="09", idVendor="1d6b", idProduct="0002")

    def device(self, where: str, **told: str) -> Path:
        """A USB device at ``1-2`` or behind a hub at ``1-3/1-3.1``."""
        return fill(self.bus / where, **told)

    def node(self, device: Path, number: int, name: str, interface: str = "1.0") -> Path:
        carrier = device / f"{device.name}:{interface}"
        entry = carrier / "video4linux" / f"video{number}"
        fill(entry, name=name, index="0")
        (entry / "device").symlink_to(carrier)
        (self.places.sys / "class/video4linux" / f"video{number}").symlink_to(entry)
        node = self.places.dev / f"video{number}"
        node.touch()
        link = f"pci-0000:00:14.0-usb-0:{device.name.removeprefix('1-')}:{interface}-video-index0"
        (self.by_path / link).symlink_to(node)
        return node


def fill(folder: Path, **told: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in told.items():
        (folder / name).write_text(f"{value}\n", "utf-8")
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_identity_is_read_from_the_usb_device(machine: Machine) -> None:
    device = machine.device(
        "1-2",
        idVendor="2BC5",
        idProduct="0501",
        serial="A1",
        product="Depth Camera",
        bcdDevice="0104",
    )
    path = machine.node(device, 3, "Depth Camera: RGB")

    (node,) = nodes(machine.places)

    assert ("2bc5:0501", "A1", "Depth Camera", "1.04") == (
        node.usb_id,
        node.serial,
        node.product,
        node.release,
    )
    assert (path, 3, "Depth Camera: RGB", device) == (
        node.path,
        node.number,
        node.name,
        node.device,
    )
    assert "pci-0000:00:14.0-usb-0:2:1.0-video-index0" == Path(node.by_path).name


def test_two_interfaces_of_one_device_are_told_as_such(machine: Machine) -> None:
    device = machine.device("1-2", idVendor="0bda", idProduct="5846")
    machine.node(device, 0, "Camera")
    machine.node(device, 2, "IR Camera", "1.2")

    colour, infrared = nodes(machine.places)

    assert colour.device == infrared.device
    assert (False, True) == (colour.named_infrared, infrared.named_infrared)


def test_two_devices_of_one_module_share_its_hub(machine: Machine) -> None:
    machine.device("1-3", idVendor="05e3", idProduct="0608", bDeviceClass="09")
    for number, port in enumerate(("1-3/1-3.1", "1-3/1-3.2")):
        machine.node(machine.device(port, idVendor="0c45", idProduct="6366"), number, "Camera")

    one, other = nodes(machine.places)

    assert one.device != other.device
    assert one.hub is not None
    assert one.hub == other.hub


def test_sockets_of_the_machine_itself_are_no_hub(machine: Machine) -> None:
    machine.node(machine.device("1-2", idVendor="0c45", idProduct="6366"), 0, "Camera")

    assert nodes(machine.places)[0].hub is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Integrated IR Camera", True),
        ("USB Infrared", True),
        ("红外摄像头", True),
        ("Mirage Camera", False),
        ("AIR 4K", False),
    ],
)
def test_a_name_may_tell_infrared(machine: Machine, name: str, expected: bool) -> None:  # a case
    machine.node(machine.device("1-2", idVendor="0c45", idProduct="6366"), 0, name)

    assert expected == nodes(machine.places)[0].named_infrared


def test_a_uri_may_say_device_serial_node_or_socket(machine: Machine) -> None:
    for number, serial in enumerate(("A1", "B2")):
        device = machine.device(
            f"1-{number + 1}", idVendor="0c45", idProduct="6366", serial=serial
        )
        machine.node(device, number, "Camera")
    link = next(machine.by_path.glob("*0:2:1.0*"))

    def numbers(rest: str) -> list[int]:
        return [node.number for node in named(rest, machine.places)]

    assert [0, 1] == numbers("0C45:6366")
    assert [1] == numbers("0c45:6366:B2")
    assert [] == numbers("0c45:6366:C3")
    assert [] == numbers("0c45:9999")
    assert [1] == numbers(str(link))
    assert [0] == numbers(str(machine.places.dev / "video0"))
    assert [] == numbers(str(machine.places.dev / "video7"))


@pytest.mark.parametrize("rest", ["", "0", "video0", "/etc/passwd", "0c45", "zz45:6366"])
def test_anything_else_is_refused(machine: Machine, rest: str) -> None:
    with pytest.raises(DeviceConfigError, match=r"vid:pid\[:serial\]"):
        named(rest, machine.places)


def test_a_path_cannot_leave_the_devices(machine: Machine) -> None:
    with pytest.raises(DeviceConfigError):
        named(str(machine.places.dev / "../sys/class"), machine.places)


def test_a_machine_without_cameras_has_none(tmp_path: Path) -> None:
    assert [] == nodes(Places(tmp_path / "sys", tmp_path / "dev"))


def test_a_node_unplugged_while_looked_at_is_left_out(machine: Machine) -> None:
    gone = machine.places.sys / "class/video4linux/video5"
    gone.symlink_to(machine.places.sys / "devices/gone")

    assert [] == nodes(machine.places)
