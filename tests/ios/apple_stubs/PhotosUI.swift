@_exported import SwiftUI

public struct PHPickerFilter: Sendable { public static var images: PHPickerFilter { PHPickerFilter() } }
public protocol Transferable {}
extension Data: Transferable {}
public struct PhotosPickerItem: Equatable, Hashable, Sendable {
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { nil }
}
public struct PhotosPicker: PrimitiveView {
    public init(_ titleKey: LocalizedStringKey, selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil) {}
}
