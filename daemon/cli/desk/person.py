"""``yibao-face person``: enrol from photographs, register agents, erase."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

from yibao_face.daemon.booth.still.card import CARD_S, face_of_card
from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.cli.desk.rate import day, named_institution
from yibao_face.daemon.cli.device.reader import awaited_card, configured_reader
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.identity import masked
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.desk.registration import register_agent
from yibao_face.daemon.gallery.gallery import Enrolment, Gallery, Numbers, Picture
from yibao_face.daemon.wiring import desk_of, gallery_of, weight_store
from yibao_face.models.suite import load_face_models

# By word only: nobody stands before a camera.
_NO_CAMERA_S = 60.0


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "person", "enrol persons, register agents, erase / 人员登记")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="enrol a person from photographs / 登记人脸")
    adding.add_argument("--id", required=True, metavar="NUMBER", help="id number / 证件号码")
    adding.add_argument("--psn", default="", metavar="NUMBER", help="person number / 个人编号")
    adding.add_argument("--name", required=True, help="name / 姓名")
    adding.add_argument(
        "--photo", required=True, type=Path, nargs="+", metavar="FILE", help="one face each"
    )
    adding.add_argument("--by", default="cli", help="who vouches for it / 登记人工号")
    adding.set_defaults(run=_add)
    card = actions.add_parser("card", help="enrol a person by the ID card / 刷身份证登记")
    card.add_argument("--psn", default="", metavar="NUMBER", help="person number / 个人编号")
    card.add_argument("--by", default="cli", help="who vouches for it / 登记人工号")
    card.add_argument("--seconds", type=float, default=CARD_S, help="how long to wait")
    card.set_defaults(run=_card)
    agent = actions.add_parser("agent", help="let one person buy for another / 代购登记")
    agent.add_argument("--id", required=True, metavar="NUMBER", help="insured person / 参保人")
    agent.add_argument("--agent-id", required=True, metavar="NUMBER", help="agent / 代购人")
    agent.add_argument("--relation", required=True, help="e.g. 子女, 配偶")
    agent.add_argument("--until", required=True, type=day, metavar="YYYY-MM-DD", help="last day")
    agent.add_argument(
        "--document",
        required=True,
        type=Path,
        nargs="+",
        metavar="FILE",
        help="pictures / 证件照片",
    )
    agent.add_argument("--staff", required=True, help="who registers / 登记人工号")
    agent.add_argument("--institution", default="", help="code, instead of the configured one")
    agent.add_argument("--demo", action="store_true", help="as a record of the demo")
    agent.set_defaults(run=_agent)
    removing = actions.add_parser("remove", help="erase a person and all templates / 删除")
    removing.add_argument("--id", required=True, metavar="NUMBER")
    removing.set_defaults(run=_remove)
    samples = actions.add_parser("samples", help="list the samples of a template / 人脸样本")
    samples.add_argument("--id", required=True, metavar="NUMBER")
    samples.add_argument(
        "--drop-grown", action="store_true", help="erase those later passes added / 删除后来的样本"
    )
    samples.set_defaults(run=_samples)
    listing = actions.add_parser("count", help="how many are enrolled / 登记人数")
    listing.set_defaults(run=_count)


def _add(given: argparse.Namespace) -> int:
    config = config_of(given)
    photos = [read_file(path) for path in given.photo]
    models = load_face_models(weight_store(config))
    try:
        today = Clock().today().isoformat()
        numbers = Numbers(given.id.strip(), given.psn.strip())
        by = f"photo:{given.by}"
        version = config.enrolment.consent_version
        enrolment = Enrolment(numbers, given.name.strip(), version, by, today)
        enrol(gallery_of(config), models, enrolment, photos)
    finally:
        models.close()
    say(f"enrolled with {len(photos)} sample(s)")
    return 0


def _card(given: argparse.Namespace) -> int:
    """The person of the card: its name and number, the chip's picture as the one sample."""
    config = config_of(given)
    models = load_face_models(weight_store(config))
    try:
        with configured_reader(config)() as reader:
            if reader.info.virtual:
                raise CliError("a virtual reader vouches for nobody")
            card = awaited_card(reader, given.seconds)
        today = Clock().today()
        if not card.is_valid_on(today):
            raise CliError("the card is not valid today")
        picture = Picture(face_of_card(models, card), Source.ID_PHOTO)
        enrolment = Enrolment(
            Numbers(card.number, given.psn.strip()),
            card.name,
            config.enrolment.consent_version,
            f"id-card:{given.by}",
            today.isoformat(),
        )
        gallery_of(config).add(enrolment, [picture], models.embedder.stamp)
    finally:
        models.close()
    say(f"enrolled {masked(card.number)} by the card's picture")
    return 0


def _agent(given: argparse.Namespace) -> int:
    config = config_of(given)
    gallery = gallery_of(config)
    principal = _known(gallery, given.id, "insured person")
    if principal == _known(gallery, given.agent_id, "agent"):
        raise CliError("nobody is his own agent")
    pictures = [base64.b64encode(read_file(path)).decode() for path in given.document]
    form = Form(
        {
            "institution": named_institution(given.institution, config),
            "id": given.id,
            "agent_id": given.agent_id,
            "relation": given.relation,
            "until": given.until.isoformat(),
            "photos": pictures,
            "staff": given.staff,
        }
    )
    with desk_of(config, demo=given.demo) as desk:
        register_agent(desk, form, Attempt(_NO_CAMERA_S))
    say(f"agent allowed until {given.until}")
    return 0


def _remove(given: argparse.Namespace) -> int:
    gallery = gallery_of(config_of(given))
    gallery.remove(_known(gallery, given.id, "person"))
    say("erased")
    return 0


def _samples(given: argparse.Namespace) -> int:
    gallery = gallery_of(config_of(given))
    person = _known(gallery, given.id, "person")
    if given.drop_grown:
        say(f"erased {gallery.drop_grown(person)} sample(s)")
    for source, taken, model in gallery.history(person):
        say(f"{taken}  {source}  {model}")
    return 0


def _count(given: argparse.Namespace) -> int:
    say(str(gallery_of(config_of(given)).count()))
    return 0


def _known(gallery: Gallery, number: str, role: str) -> str:
    person = gallery.find(Numbers(number.strip()))
    if person is None:
        raise CliError(f"this {role} is not enrolled: person add first")
    return person
