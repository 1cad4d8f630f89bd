import Darwin
import EdgekitCore
import Foundation
import UIKit

/// What the report says about the phone.
enum DeviceFacts {
    static var isSimulator: Bool {
        #if targetEnvironment(simulator)
        return true
        #else
        return false
        #endif
    }

    @MainActor static func device() -> BenchReport.Device {
        BenchReport.Device(
            model: machineName(), os: "\(UIDevice.current.systemName) \(UIDevice.current.systemVersion)",
            abi: abi, cores: ProcessInfo.processInfo.processorCount
        )
    }

    @MainActor static func state() -> BenchReport.PhoneState {
        UIDevice.current.isBatteryMonitoringEnabled = true
        let level = UIDevice.current.batteryLevel  // below 0 where it is not known
        return BenchReport.PhoneState(
            batteryPercent: level < 0 ? nil : Int((level * 100).rounded()),
            thermalStatus: ProcessInfo.processInfo.thermalState.rawValue
        )
    }

    /// The most memory that was resident, in MB of 1,000,000 bytes; nil when the kernel does not say.
    static func peakMemoryMb() -> Double? {
        var usage = rusage()
        guard getrusage(RUSAGE_SELF, &usage) == 0, usage.ru_maxrss > 0 else { return nil }
        return Double(usage.ru_maxrss) / 1_000_000  // bytes on Apple's systems
    }

    /// Such as iPhone14,5.
    static func machineName() -> String {
        var system = utsname()
        uname(&system)
        return withUnsafeBytes(of: &system.machine) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static var abi: String {
        #if arch(arm64)
        return "arm64"
        #else
        return "x86_64"
        #endif
    }
}
