// An OpenNI2 driver of a camera that is software: what an Astra does, and fails to do, on demand.
//
// The folder that VIRTUAL_ASTRA named at the start holds `control`, lines of `key=value` that are read all the
// time, and `claim`, which whoever has the camera open holds a lock on, as of a USB interface.
//
//   plugged=1      0: unplugged
//   refuse=        text with which opening fails
//   stalled=0      1: no frames, the device stays
//   frozen=0       1: the same pictures with new timestamps; 2: also the same timestamps
//   lie=0          1: frames say they are larger than their data
//   broken=0       1: the driver reports an error of the device
//   third=1        0: infrared is refused while colour runs
//   registration=1 0: depth cannot be mapped onto colour; 2: it can, and nobody tells how
//   mirror=0       1: images are mirrored and nobody can change it
//   fov=1          0: fields of view are not told
//   unit=1mm       100um: depth in tenths of a millimetre
//   colour_us=0    colour is exposed so much later than depth
//   colour_every=1 2: only each second colour image comes
//   pid=0401       product; 0403 has no colour
//   serial=VA0001
#define XN_NEW(type, ...) new type(__VA_ARGS__)
#define XN_DELETE(pointer) delete (pointer)
#include <Driver/OniDriverAPI.h>
#include <OpenNI.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr int kPeriodUs = 33333;
constexpr float kFovX = 58.4f * static_cast<float>(M_PI) / 180, kFovY = 45.5f * static_cast<float>(M_PI) / 180;
// The imager of depth and infrared lies so much to the right of the colour camera.
constexpr double kBaselineMm = 25.0;

const std::string& folder() {
    static const char* const variable = std::getenv("VIRTUAL_ASTRA");
    static const std::string named = variable ? variable : ".";
    return named;
}

// The settings of `control` at this moment.
class Control {
public:
    Control() {
        std::ifstream file(folder() + "/control");
        for (std::string line; std::getline(file, line);) {
            const auto cut = line.find('=');
            if (cut != std::string::npos) values_[line.substr(0, cut)] = line.substr(cut + 1);
        }
    }
    std::string text(const char* key, const char* otherwise) const {
        const auto found = values_.find(key);
        return found == values_.end() ? otherwise : found->second;
    }
    int number(const char* key, int otherwise) const {
        return std::atoi(text(key, std::to_string(otherwise).c_str()).c_str());
    }

private:
    std::map<std::string, std::string> values_;
};

// A thread that does something again and again until it is stopped, at once.
class Repeated {
public:
    ~Repeated() { stop(); }
    template <class Step>  // returns when it wants to be called next
    void start(Step step) {
        stopped_ = false;
        thread_ = std::thread([this, step] {
            std::unique_lock<std::mutex> lock(mutex_);
            while (!stopped_) {
                lock.unlock();
                const Clock::time_point next = step();
                lock.lock();
                wake_.wait_until(lock, next, [this] { return stopped_; });
            }
        });
    }
    void stop() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            stopped_ = true;
        }
        wake_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
    bool stopped_ = true;
};

struct Mapping {
    bool registered = false;
    bool colour_runs = false;
};

class Stream : public oni::driver::StreamBase {
public:
    Stream(OniSensorType sensor, const OniVideoMode& mode, Clock::time_point epoch, Mapping& mapping)
        : sensor_(sensor), mode_(mode), epoch_(epoch), mapping_(mapping) {}
    ~Stream() override { stop(); }

    OniStatus start() override {
        if (sensor_ == ONI_SENSOR_IR && mapping_.colour_runs && !Control().number("third", 1))
            return ONI_STATUS_ERROR;
        if (sensor_ == ONI_SENSOR_COLOR) mapping_.colour_runs = true;
        next_ = (Clock::now() - epoch_) / microseconds(kPeriodUs) + 1;
        repeated_.start([this] { return expose(); });
        return ONI_STATUS_OK;
    }

    void stop() override {
        repeated_.stop();
        if (sensor_ == ONI_SENSOR_COLOR) mapping_.colour_runs = false;
    }

    OniStatus getProperty(int id, void* data, int* size) override {
        const Control control;
        switch (id) {
            case ONI_STREAM_PROPERTY_VIDEO_MODE: return give(mode_, data, size);
            case ONI_STREAM_PROPERTY_STRIDE: return give(stride(), data, size);
            case ONI_STREAM_PROPERTY_CROPPING: return give(OniCropping{}, data, size);
            case ONI_STREAM_PROPERTY_MAX_VALUE: return give(sensor_ == ONI_SENSOR_IR ? 1023 : 10000, data, size);
            case ONI_STREAM_PROPERTY_MIN_VALUE: return give(0, data, size);
            case ONI_STREAM_PROPERTY_MIRRORING: return give(OniBool(mirrored(control)), data, size);
            case ONI_STREAM_PROPERTY_HORIZONTAL_FOV:
                return control.number("fov", 1) ? give(kFovX, data, size) : ONI_STATUS_NOT_SUPPORTED;
            case ONI_STREAM_PROPERTY_VERTICAL_FOV:
                return control.number("fov", 1) ? give(kFovY, data, size) : ONI_STATUS_NOT_SUPPORTED;
        }
        return ONI_STATUS_NOT_SUPPORTED;
    }

    OniStatus setProperty(int id, const void* data, int) override {
        if (id == ONI_STREAM_PROPERTY_VIDEO_MODE) {
            std::memcpy(&mode_, data, sizeof mode_);
            return ONI_STATUS_OK;
        }
        if (id == ONI_STREAM_PROPERTY_MIRRORING && !Control().number("mirror", 0)) {
            std::memcpy(&mirrored_, data, sizeof mirrored_);
            return ONI_STATUS_OK;
        }
        return ONI_STATUS_NOT_SUPPORTED;
    }

    OniBool isPropertySupported(int id) override {
        char room[64];
        int size = sizeof room;
        return getProperty(id, room, &size) == ONI_STATUS_OK;
    }

    int getRequiredFrameSize() override { return stride() * mode_.resolutionY; }

    OniStatus convertDepthToColorCoordinates(StreamBase*, int x, int y, OniDepthPixel z, int* u, int* v) override {
        if (Control().number("registration", 1) != 1) return ONI_STATUS_NOT_SUPPORTED;
        const double focal_px = mode_.resolutionX / 2.0 / std::tan(kFovX / 2);
        *u = static_cast<int>(std::lround(x + focal_px * kBaselineMm / z));
        *v = y;
        return ONI_STATUS_OK;
    }

private:
    template <class Value>
    static OniStatus give(const Value& value, void* data, int* size) {
        std::memcpy(data, &value, sizeof value);
        *size = sizeof value;
        return ONI_STATUS_OK;
    }

    int pixel_bytes() const { return sensor_ == ONI_SENSOR_COLOR ? 3 : 2; }
    int stride() const { return mode_.resolutionX * pixel_bytes(); }
    // As real ones are: mirrored until they are told otherwise.
    bool mirrored(const Control& control) const { return control.number("mirror", 0) || mirrored_; }

    Clock::time_point expose() {
        const Control control;
        const long long k = next_;
        const int late_us = sensor_ == ONI_SENSOR_COLOR ? control.number("colour_us", 0) : 0;
        const bool left_out = sensor_ == ONI_SENSOR_COLOR && k % control.number("colour_every", 1);
        if (!control.number("stalled", 0) && !left_out) deliver(control, k, late_us);
        next_ = std::max(k + 1, static_cast<long long>((Clock::now() - epoch_) / microseconds(kPeriodUs)));
        return epoch_ + microseconds(next_ * kPeriodUs + late_us);
    }

    void deliver(const Control& control, long long k, int late_us) {
        const int frozen = control.number("frozen", 0);
        if (!frozen) shown_ = k;
        OniFrame* frame = getServices().acquireFrame();
        if (frame == nullptr) return;
        draw(frame->data, static_cast<int>(shown_), mirrored(control));
        frame->videoMode = mode_;
        frame->sensorType = sensor_;
        frame->frameIndex = static_cast<int>(k);
        frame->timestamp = static_cast<uint64_t>((frozen == 2 ? shown_ : k) * kPeriodUs + late_us);
        frame->width = mode_.resolutionX;
        frame->height = mode_.resolutionY * (control.number("lie", 0) ? 2 : 1);
        frame->croppingEnabled = FALSE;
        frame->cropOriginX = frame->cropOriginY = 0;
        frame->stride = stride();
        frame->dataSize = stride() * mode_.resolutionY;
        raiseNewFrame(frame);
        getServices().releaseFrame(frame);
    }

    // What `pictures.py` expects of exposure k.
    void draw(void* data, int k, bool mirrored) const {
        const int width = mode_.resolutionX, height = mode_.resolutionY;
        auto* bytes = static_cast<uint8_t*>(data);
        auto* words = static_cast<uint16_t*>(data);
        const int unit = mode_.pixelFormat == ONI_PIXEL_FORMAT_DEPTH_100_UM ? 10 : 1;
        for (int y = 0; y < height; y++) {
            for (int at = 0; at < width; at++) {
                const int x = mirrored ? width - 1 - at : at;
                const int n = y * width + at;
                if (sensor_ == ONI_SENSOR_COLOR) {
                    bytes[3 * n] = static_cast<uint8_t>(x + k);
                    bytes[3 * n + 1] = static_cast<uint8_t>(y + 2 * k);
                    bytes[3 * n + 2] = static_cast<uint8_t>(k);
                } else if (sensor_ == ONI_SENSOR_IR) {
                    words[n] = static_cast<uint16_t>((3 * x + y + 5 * k) % 1024);
                } else {
                    const int mm = x == 0 && y == 0 ? 1 + k % 6000 : 500 + (x + 2 * y + k) % 1000;
                    words[n] = static_cast<uint16_t>(unit == 1 ? mm : 10 * mm + 3);
                }
            }
        }
    }

    const OniSensorType sensor_;
    OniVideoMode mode_;
    const Clock::time_point epoch_;
    Mapping& mapping_;
    OniBool mirrored_ = TRUE;
    long long next_ = 0, shown_ = 0;
    Repeated repeated_;
};

class Device : public oni::driver::DeviceBase {
public:
    explicit Device(int claim) : claim_(claim), epoch_(Clock::now()) {
        const Control control;
        const bool tenths = control.text("unit", "1mm") == "100um";
        add(ONI_SENSOR_DEPTH, tenths ? ONI_PIXEL_FORMAT_DEPTH_100_UM : ONI_PIXEL_FORMAT_DEPTH_1_MM);
        add(ONI_SENSOR_IR, ONI_PIXEL_FORMAT_GRAY16);
        if (control.text("pid", "0401") != "0403") add(ONI_SENSOR_COLOR, ONI_PIXEL_FORMAT_RGB888);
        for (auto& sensor : sensors_) {
            auto& modes = modes_[sensor.sensorType];
            sensor.numSupportedVideoModes = static_cast<int>(modes.size());
            sensor.pSupportedVideoModes = modes.data();
        }
    }
    ~Device() override { close(claim_); }

    OniStatus getSensorInfoList(OniSensorInfo** sensors, int* count) override {
        *sensors = sensors_.data();
        *count = static_cast<int>(sensors_.size());
        return ONI_STATUS_OK;
    }
    oni::driver::StreamBase* createStream(OniSensorType sensor) override {
        return new Stream(sensor, modes_[sensor].front(), epoch_, mapping_);
    }
    void destroyStream(oni::driver::StreamBase* stream) override { delete stream; }

    OniStatus getProperty(int id, void* data, int* size) override {
        const std::string serial = Control().text("serial", "VA0001");
        if (id == ONI_DEVICE_PROPERTY_SERIAL_NUMBER && *size > static_cast<int>(serial.size())) {
            std::memcpy(data, serial.c_str(), serial.size() + 1);
            *size = static_cast<int>(serial.size()) + 1;
            return ONI_STATUS_OK;
        }
        if (id != ONI_DEVICE_PROPERTY_IMAGE_REGISTRATION) return ONI_STATUS_NOT_SUPPORTED;
        *static_cast<int*>(data) = mapping_.registered;
        *size = sizeof(int);
        return ONI_STATUS_OK;
    }
    OniStatus setProperty(int id, const void* data, int) override {
        if (id != ONI_DEVICE_PROPERTY_IMAGE_REGISTRATION) return ONI_STATUS_NOT_SUPPORTED;
        mapping_.registered = *static_cast<const int*>(data) != 0;
        return ONI_STATUS_OK;
    }
    OniBool isPropertySupported(int id) override {
        return id == ONI_DEVICE_PROPERTY_SERIAL_NUMBER || id == ONI_DEVICE_PROPERTY_IMAGE_REGISTRATION;
    }
    OniBool isImageRegistrationModeSupported(OniImageRegistrationMode mode) override {
        return mode == ONI_IMAGE_REGISTRATION_OFF || Control().number("registration", 1) != 0;
    }

private:
    void add(OniSensorType sensor, OniPixelFormat format) {
        modes_[sensor] = {{format, 320, 240, 30}, {format, 640, 480, 30}};
        sensors_.push_back({sensor, 0, nullptr});
    }

    const int claim_;
    const Clock::time_point epoch_;
    Mapping mapping_;
    std::map<OniSensorType, std::vector<OniVideoMode>> modes_;
    std::vector<OniSensorInfo> sensors_;
};

class Driver : public oni::driver::DriverBase {
public:
    explicit Driver(OniDriverServices* services) : DriverBase(services) {}

    OniStatus initialize(oni::driver::DeviceConnectedCallback connected,
                         oni::driver::DeviceDisconnectedCallback disconnected,
                         oni::driver::DeviceStateChangedCallback changed, void* cookie) override {
        DriverBase::initialize(connected, disconnected, changed, cookie);
        watch();
        watched_.start([this] {
            watch();
            return Clock::now() + milliseconds(20);
        });
        return ONI_STATUS_OK;
    }

    oni::driver::DeviceBase* deviceOpen(const char*, const char*) override {
        const std::string refusal = Control().text("refuse", "");
        if (!refusal.empty()) return refuse(refusal.c_str());
        const int claim = open((folder() + "/claim").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (flock(claim, LOCK_EX | LOCK_NB) == 0) return new Device(claim);
        close(claim);
        return refuse("USB interface busy");
    }
    void deviceClose(oni::driver::DeviceBase* device) override { delete device; }
    OniStatus tryDevice(const char*) override { return ONI_STATUS_ERROR; }
    void shutdown() override { watched_.stop(); }

private:
    oni::driver::DeviceBase* refuse(const char* why) {
        getServices().errorLoggerAppend("%s", why);
        return nullptr;
    }

    void watch() {
        const Control control;
        const bool plugged = control.number("plugged", 1) != 0;
        if (plugged && !plugged_) {
            name(control.text("pid", "0401"));
            deviceConnected(&info_);
        }
        if (!plugged && plugged_) deviceDisconnected(&info_);
        plugged_ = plugged;
        const bool broken = control.number("broken", 0) != 0;
        if (broken && !broken_) deviceStateChanged(&info_, ONI_DEVICE_STATE_ERROR);
        broken_ = broken;
    }

    void name(const std::string& pid) {
        info_ = OniDeviceInfo{};
        std::snprintf(info_.uri, sizeof info_.uri, "2bc5/%s@virtual", pid.c_str());
        std::snprintf(info_.vendor, sizeof info_.vendor, "virtual");
        std::snprintf(info_.name, sizeof info_.name, "VirtualAstra");
        info_.usbVendorId = 0x2bc5;
        info_.usbProductId = static_cast<uint16_t>(std::stoi(pid, nullptr, 16));
    }

    OniDeviceInfo info_{};
    bool plugged_ = false, broken_ = false;
    Repeated watched_;
};

}  // namespace

ONI_EXPORT_DRIVER(Driver);
