@_exported import Foundation
import UIKit

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }
public protocol PrimitiveView: View where Body == Never {}
extension PrimitiveView { public var body: Never { fatalError() } }
public struct TupleView<T>: PrimitiveView {}
public struct EmptyView: PrimitiveView {}
public struct Either<First: View, Second: View>: PrimitiveView {}
extension Optional: View where Wrapped: View { public var body: Never { fatalError() } }

@resultBuilder public enum ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }
    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> TupleView<(repeat each Content)> { TupleView() }
    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }
    public static func buildEither<First: View, Second: View>(first: First) -> Either<First, Second> { Either() }
    public static func buildEither<First: View, Second: View>(second: Second) -> Either<First, Second> { Either() }
}

@MainActor @preconcurrency public protocol Scene {}
@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    @SceneBuilder var body: Body { get }
    init()
}
extension App { public static func main() {} }
@resultBuilder public enum SceneBuilder { public static func buildBlock<Content: Scene>(_ content: Content) -> Content { content } }
public struct WindowGroup<Content: View>: Scene { public init(@ViewBuilder content: () -> Content) {} }

public protocol ObservableObject: AnyObject {}
@propertyWrapper public struct Published<Value> {
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Value
}
@propertyWrapper public struct StateObject<Value: ObservableObject> {
    public init(wrappedValue: @autoclosure @escaping () -> Value) {}
    @MainActor @preconcurrency public var wrappedValue: Value { fatalError() }
}
@propertyWrapper public struct State<Value> {
    public init(wrappedValue: Value) {}
    public init() where Value: ExpressibleByNilLiteral {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set { fatalError() }
    }
    public var projectedValue: Binding<Value> { fatalError() }
}
@propertyWrapper public struct Binding<Value> {
    // Plain closures, as the iOS 16 SDK declares them; later ones are @preconcurrency @Sendable.
    public init(get: @escaping () -> Value, set: @escaping (Value) -> Void) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set { fatalError() }
    }
}
public enum ScenePhase: Comparable, Sendable { case background, inactive, active }
public struct EnvironmentValues { public var scenePhase: ScenePhase { .active } }
@propertyWrapper public struct Environment<Value> {
    public init(_ keyPath: KeyPath<EnvironmentValues, Value>) {}
    public var wrappedValue: Value { fatalError() }
}

public enum HorizontalAlignment { case leading, center, trailing }
public enum VerticalAlignment { case top, center, bottom }
public struct Alignment: Sendable {
    public static var center: Alignment { Alignment() }
    public static var leading: Alignment { Alignment() }
    public static var topLeading: Alignment { Alignment() }
    public static var bottom: Alignment { Alignment() }
}
public enum TextAlignment { case leading, center, trailing }
public struct Font: Sendable {
    public static var caption2: Font { Font() }
    public func monospacedDigit() -> Font { self }
}
public protocol ShapeStyle {}
public struct Material: ShapeStyle, Sendable {}
extension ShapeStyle where Self == Material { public static var thinMaterial: Material { Material() } }
public struct Color: PrimitiveView, ShapeStyle, Sendable {
    public nonisolated init() {}
    public static var white: Color { Color() }
    public static var black: Color { Color() }
    public static var gray: Color { Color() }
    public static var accentColor: Color { Color() }
    public func opacity(_ opacity: Double) -> Color { self }
}
public struct LocalizedStringKey: ExpressibleByStringLiteral { public init(stringLiteral value: String) {} }

public struct Text: PrimitiveView {
    public init<S: StringProtocol>(_ content: S) {}
}
public struct VStack<Content: View>: PrimitiveView {
    public init(alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}
public struct HStack<Content: View>: PrimitiveView {
    public init(alignment: VerticalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}
public struct ZStack<Content: View>: PrimitiveView {
    public init(alignment: Alignment = .center, @ViewBuilder content: () -> Content) {}
}
public protocol Shape: View {}
extension Shape { public func fill<S: ShapeStyle>(_ content: S) -> some View { self } }
public struct Circle: Shape, PrimitiveView { public init() {} }
public struct Rectangle: Shape, PrimitiveView { public init() {} }
@MainActor @preconcurrency public protocol Gesture<Value> { associatedtype Value }
public struct ChangedGesture<Base: Gesture>: Gesture { public typealias Value = Base.Value }
extension Gesture {
    public func onChanged(_ action: @escaping (Value) -> Void) -> ChangedGesture<Self> { ChangedGesture() }
    public func onEnded(_ action: @escaping (Value) -> Void) -> ChangedGesture<Self> { ChangedGesture() }
}
public struct DragGesture: Gesture {
    public struct Value { public var location: CGPoint { fatalError() } }
    public init(minimumDistance: CGFloat = 10) {}
}
public struct TapGesture: Gesture {
    public typealias Value = ()
    public init(count: Int = 1) {}
}
public struct Spacer: PrimitiveView { public init() {} }
public struct ProgressView: PrimitiveView { public init(_ titleKey: LocalizedStringKey) {} }
public struct Button: PrimitiveView { public init(_ titleKey: LocalizedStringKey, action: @escaping @MainActor () -> Void) {} }
public struct Toggle: PrimitiveView { public init(_ titleKey: LocalizedStringKey, isOn: Binding<Bool>) {} }
public struct Slider: PrimitiveView {
    public init<V: BinaryFloatingPoint>(value: Binding<V>, in bounds: ClosedRange<V> = 0...1) where V.Stride: BinaryFloatingPoint {}
}
public struct Picker<Selection: Hashable, Content: View>: PrimitiveView {
    public init(_ titleKey: LocalizedStringKey, selection: Binding<Selection>, @ViewBuilder content: () -> Content) {}
}
public struct ForEach<Data: RandomAccessCollection, ID: Hashable, Content: View>: PrimitiveView {
    public init(_ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content) {}
}
public struct Edge { public struct Set: OptionSet, Sendable {
    public let rawValue: Int8
    public init(rawValue: Int8) { self.rawValue = rawValue }
    public static var all: Set { .init(rawValue: 15) }
} }
extension View {
    public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { self }
    public func padding(_ edges: Edge.Set = .all, _ length: CGFloat? = nil) -> some View { self }
    public func padding(_ length: CGFloat) -> some View { self }
    public func frame(width: CGFloat? = nil, height: CGFloat? = nil, alignment: Alignment = .center) -> some View { self }
    public func frame(
        minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil,
        idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { self }
    public func task(priority: TaskPriority = .userInitiated, @_inheritActorContext _ action: @escaping @Sendable () async -> Void) -> some View { self }
    public func onChange<V: Equatable>(of value: V, perform action: @escaping (V) -> Void) -> some View { self }
    public func overlay<V: View>(alignment: Alignment = .center, @ViewBuilder content: () -> V) -> some View { self }
    public func background<S: ShapeStyle>(_ style: S) -> some View { self }
    public func onLongPressGesture(
        minimumDuration: Double = 0.5, maximumDistance: CGFloat = 10, perform action: @escaping () -> Void,
        onPressingChanged: ((Bool) -> Void)? = nil
    ) -> some View { self }
    public func offset(x: CGFloat = 0, y: CGFloat = 0) -> some View { self }
    public func contentShape<S: Shape>(_ shape: S) -> some View { self }
    public func gesture<T: Gesture>(_ gesture: T) -> some View { self }
    public func simultaneousGesture<T: Gesture>(_ gesture: T) -> some View { self }
    public func accessibilityElement() -> some View { self }
    public func accessibilityValue<S: StringProtocol>(_ value: S) -> some View { self }
    public func accessibilityAction<S: StringProtocol>(named name: S, _ handler: @escaping () -> Void) -> some View { self }
    public func accessibilityLabel<S: StringProtocol>(_ label: S) -> some View { self }
    public func font(_ font: Font?) -> some View { self }
    public func foregroundColor(_ color: Color?) -> some View { self }
    public func tag<V: Hashable>(_ tag: V) -> some View { self }
}

public struct UIViewRepresentableContext<Representable> {}
@MainActor @preconcurrency public protocol UIViewRepresentable: View where Body == Never {
    associatedtype UIViewType: UIView
    typealias Context = UIViewRepresentableContext<Self>
    func makeUIView(context: Context) -> UIViewType
    func updateUIView(_ uiView: UIViewType, context: Context)
}
extension UIViewRepresentable { public var body: Never { fatalError() } }
