@preconcurrency import AVFoundation
import CoreVideo
import EdgekitCore
import Foundation

struct CameraError: LocalizedError {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }

    var errorDescription: String? { sentence }
}

/// The camera's pictures as 32BGRA buffers in sRGB, not rotated.
///
/// @unchecked: the session is touched on its queue only; what the outside sets is guarded by the lock.
final class CameraSource: NSObject, @unchecked Sendable {
    enum Event: Sendable {
        case interrupted
        case resumed
    }

    private let session = AVCaptureSession()
    private let output = AVCaptureVideoDataOutput()
    private let sessionQueue = DispatchQueue(label: "dev.edgekit.demo.camera.session")
    private let frameQueue = DispatchQueue(label: "dev.edgekit.demo.camera.frames", qos: .userInteractive)
    private let received: @Sendable (CVPixelBuffer, FrameGeometry) -> Void
    private let reported: @Sendable (Event) -> Void
    private var observations: [NSKeyValueObservation] = []
    private let lock = NSLock()
    private var interface = InterfaceOrientation.portrait
    private var side = CameraSide.back
    private var isWanted = false

    /// `received` is called on the camera's queue and must return at once: the camera owns few buffers.
    init(
        received: @escaping @Sendable (CVPixelBuffer, FrameGeometry) -> Void,
        reported: @escaping @Sendable (Event) -> Void
    ) {
        self.received = received
        self.reported = reported
        super.init()
        // Both properties are documented as key-value observable.
        observations = [
            session.observe(\.isInterrupted, options: [.new]) { [weak self] session, _ in
                self?.reported(session.isInterrupted ? .interrupted : .resumed)
            },
            session.observe(\.isRunning, options: [.new]) { [weak self] _, _ in
                self?.restartIfNeeded()
            },
        ]
    }

    /// Asks the user when nobody has asked yet.
    static func isAllowed() async -> Bool {
        switch AVCaptureDevice.authorizationStatus(for: .video) {
        case .authorized: return true
        case .notDetermined: return await AVCaptureDevice.requestAccess(for: .video)
        default: return false
        }
    }

    func start(side: CameraSide) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            sessionQueue.async { [self] in
                do {
                    try configure(side: side)
                    locked { isWanted = true }
                    session.startRunning()
                    continuation.resume()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    func stop() {
        locked { isWanted = false }
        sessionQueue.async { [self] in
            session.stopRunning()
        }
    }

    /// From the main thread, whenever the interface turns.
    func interfaceTurned(to orientation: InterfaceOrientation) {
        locked { interface = orientation }
    }

    /// A hot phone is asked for fewer pictures; nil takes what the camera's format gives.
    func limit(framesPerSecond: Int32?) {
        sessionQueue.async { [self] in
            guard let device = (session.inputs.first as? AVCaptureDeviceInput)?.device,
                (try? device.lockForConfiguration()) != nil
            else { return }
            let duration = framesPerSecond.map { CMTime(value: 1, timescale: $0) } ?? CMTime.invalid
            device.activeVideoMinFrameDuration = duration
            device.unlockForConfiguration()
        }
    }

    private func configure(side: CameraSide) throws {
        let position: AVCaptureDevice.Position = side == .back ? .back : .front
        guard let device = AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: position) else {
            throw CameraError("This device has no \(side == .back ? "back" : "front") camera; choose a photo instead.")
        }
        let input = try AVCaptureDeviceInput(device: device)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        // The tables are made for sRGB; a wide camera would hand over Display P3 values.
        session.automaticallyConfiguresCaptureDeviceForWideColor = false
        if session.canSetSessionPreset(.hd1920x1080) { session.sessionPreset = .hd1920x1080 }
        for old in session.inputs { session.removeInput(old) }
        guard session.canAddInput(input) else { throw CameraError("The camera cannot be used now; try again.") }
        session.addInput(input)
        if session.outputs.isEmpty {
            output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: Int(kCVPixelFormatType_32BGRA)]
            output.alwaysDiscardsLateVideoFrames = true
            output.setSampleBufferDelegate(self, queue: frameQueue)
            guard session.canAddOutput(output) else { throw CameraError("The camera gives no pictures; try again.") }
            session.addOutput(output)
        }
        locked { self.side = side }
    }

    /// After a runtime error, such as a reset of the media services, the session just stops.
    private func restartIfNeeded() {
        guard !session.isRunning, !session.isInterrupted, locked({ isWanted }) else { return }
        sessionQueue.async { [self] in
            if locked({ isWanted }), !session.isRunning { session.startRunning() }
        }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }
}

extension CameraSource: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    ) {
        guard let buffer = CMSampleBufferGetImageBuffer(sampleBuffer) else { return }
        let (side, interface) = locked { (self.side, self.interface) }
        let geometry = FrameGeometry(
            sensor: PixelSize(width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer)),
            quarterTurns: quarterTurns(camera: side, interface: interface), isMirrored: side == .front
        )
        received(buffer, geometry)
    }
}
