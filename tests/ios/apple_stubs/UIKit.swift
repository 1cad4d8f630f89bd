@_exported import CoreGraphics
@_exported import Foundation

@MainActor open class UIResponder: NSObject {}
@MainActor open class UIApplication: UIResponder {
    open class var shared: UIApplication { fatalError() }
    open var isIdleTimerDisabled = false
    public nonisolated static var didReceiveMemoryWarningNotification: NSNotification.Name { fatalError() }
}
@MainActor open class UIDevice: NSObject {
    open class var current: UIDevice { fatalError() }
    open var systemName: String { "" }
    open var systemVersion: String { "" }
    open var isBatteryMonitoringEnabled = false
    open var batteryLevel: Float { 0 }
}
public enum UIInterfaceOrientation: Int {
    case unknown, portrait, portraitUpsideDown, landscapeRight, landscapeLeft
}
@MainActor open class UIScene: UIResponder {}
@MainActor open class UIWindowScene: UIScene { open var interfaceOrientation: UIInterfaceOrientation { .portrait } }
@MainActor open class UIView: UIResponder {
    open var window: UIWindow? { nil }
    open func setNeedsDisplay() {}
}
@MainActor open class UIWindow: UIView { open var windowScene: UIWindowScene? { nil } }

// Of Darwin's Foundation, which Linux lacks: thermal state.
extension ProcessInfo {
    public enum ThermalState: Int, Sendable { case nominal, fair, serious, critical }
    public var thermalState: ThermalState { .nominal }
    public static var thermalStateDidChangeNotification: NSNotification.Name { fatalError() }
}
