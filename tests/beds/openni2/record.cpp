// Records all streams of the first device: record FILE.oni FRAMES; exit code 0 when it did.
#include <OpenNI.h>

#include <cstdlib>

int main(int count, char** arguments) {
    if (count != 3 || openni::OpenNI::initialize() != openni::STATUS_OK) return 2;
    openni::Device device;
    if (device.open(openni::ANY_DEVICE) != openni::STATUS_OK) return 3;
    const openni::SensorType sensors[] = {openni::SENSOR_DEPTH, openni::SENSOR_COLOR, openni::SENSOR_IR};
    openni::VideoStream streams[3];
    openni::Recorder recorder;
    if (recorder.create(arguments[1]) != openni::STATUS_OK) return 4;
    for (int n = 0; n < 3; n++) {
        if (streams[n].create(device, sensors[n]) != openni::STATUS_OK) return 5;
        streams[n].setMirroringEnabled(false);
        if (recorder.attach(streams[n]) != openni::STATUS_OK) return 6;
    }
    for (auto& stream : streams)
        if (stream.start() != openni::STATUS_OK) return 7;
    if (recorder.start() != openni::STATUS_OK) return 8;
    openni::VideoFrameRef frame;
    for (int n = 0; n < std::atoi(arguments[2]); n++)
        if (streams[0].readFrame(&frame) != openni::STATUS_OK) return 9;
    frame.release();
    for (auto& stream : streams) stream.stop();
    recorder.stop();
    recorder.destroy();
    for (auto& stream : streams) stream.destroy();
    device.close();
    openni::OpenNI::shutdown();
    return 0;
}
