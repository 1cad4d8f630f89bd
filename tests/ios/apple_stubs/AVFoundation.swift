@_exported import CoreVideo
@_exported import Foundation

public struct CMTime: Sendable {
    public init(value: Int64, timescale: Int32) {}
    public static var invalid: CMTime { CMTime(value: 0, timescale: 0) }
}
public class CMSampleBuffer {}
public func CMSampleBufferGetImageBuffer(_ sbuf: CMSampleBuffer) -> CVImageBuffer? { nil }

public struct AVMediaType: Sendable { public static var video: AVMediaType { AVMediaType() } }
public enum AVAuthorizationStatus: Int { case notDetermined, restricted, denied, authorized }
open class AVCaptureDevice: NSObject {
    public enum Position: Int { case unspecified, back, front }
    public struct DeviceType: Sendable { public static var builtInWideAngleCamera: DeviceType { DeviceType() } }
    open class func authorizationStatus(for mediaType: AVMediaType) -> AVAuthorizationStatus { .denied }
    open class func requestAccess(for mediaType: AVMediaType) async -> Bool { false }
    open class func `default`(_ deviceType: DeviceType, for mediaType: AVMediaType?, position: Position) -> AVCaptureDevice? { nil }
    open func lockForConfiguration() throws {}
    open func unlockForConfiguration() {}
    open var activeVideoMinFrameDuration = CMTime.invalid
}
open class AVCaptureInput: NSObject {}
open class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws { fatalError() }
    open var device: AVCaptureDevice { fatalError() }
}
open class AVCaptureOutput: NSObject {}
open class AVCaptureConnection: NSObject {}
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(_ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}
open class AVCaptureVideoDataOutput: AVCaptureOutput {
    public override init() {}
    open var videoSettings: [String: Any]! = [:]
    open var alwaysDiscardsLateVideoFrames = true
    open func setSampleBufferDelegate(_ delegate: AVCaptureVideoDataOutputSampleBufferDelegate?, queue: DispatchQueue?) {}
}
open class AVCaptureSession: NSObject {
    public struct Preset: Sendable { public static var hd1920x1080: Preset { Preset() } }
    public override init() {}
    open var isRunning: Bool { false }
    open var isInterrupted: Bool { false }
    open var automaticallyConfiguresCaptureDeviceForWideColor = true
    open var sessionPreset = Preset.hd1920x1080
    open var inputs: [AVCaptureInput] { [] }
    open var outputs: [AVCaptureOutput] { [] }
    open func canSetSessionPreset(_ preset: Preset) -> Bool { true }
    open func canAddInput(_ input: AVCaptureInput) -> Bool { true }
    open func addInput(_ input: AVCaptureInput) {}
    open func removeInput(_ input: AVCaptureInput) {}
    open func canAddOutput(_ output: AVCaptureOutput) -> Bool { true }
    open func addOutput(_ output: AVCaptureOutput) {}
    open func beginConfiguration() {}
    open func commitConfiguration() {}
    open func startRunning() {}
    open func stopRunning() {}
}

// Of Darwin's Foundation, which Linux lacks: key-value observation.
open class NSKeyValueObservation: NSObject {}
public struct NSKeyValueObservingOptions: OptionSet {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static var new: NSKeyValueObservingOptions { .init(rawValue: 1) }
}
public struct NSKeyValueObservedChange<Value> {}
extension AVCaptureSession {
    public func observe<Value>(
        _ keyPath: KeyPath<AVCaptureSession, Value>, options: NSKeyValueObservingOptions = [],
        changeHandler: @escaping @Sendable (AVCaptureSession, NSKeyValueObservedChange<Value>) -> Void
    ) -> NSKeyValueObservation { fatalError() }
}
