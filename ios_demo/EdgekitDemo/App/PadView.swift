import EdgekitCore
import SwiftUI

/// The pad of tone and color: a finger or a screen reader's actions move it, and a double tap returns it to neutral.
struct PadView: View {
    let pad: Pad
    let values: Pad.Values
    let move: (Pad.Values) -> Void

    private let side = 132.0
    private let knob = 22.0

    var body: some View {
        ZStack(alignment: .topLeading) {
            Color.gray.opacity(0.25)
            Color.gray.opacity(0.5).frame(width: 1, height: side).offset(x: side / 2, y: 0)
            Color.gray.opacity(0.5).frame(width: side, height: 1).offset(x: 0, y: side / 2)
            Circle()
                .fill(Color.accentColor)
                .frame(width: knob, height: knob)
                .offset(x: place.x * side - knob / 2, y: place.y * side - knob / 2)
        }
        .frame(width: side, height: side)
        .contentShape(Rectangle())
        .gesture(DragGesture(minimumDistance: 0).onChanged { drag in moveTo(drag.location) })
        .simultaneousGesture(TapGesture(count: 2).onEnded { move(pad.neutral) })
        .accessibilityElement()
        .accessibilityLabel("Tone and color")
        .accessibilityValue("Tone \(percent(values.tone)), color \(percent(values.color))")
        .accessibilityAction(named: "Brighter") { step(0, 1) }
        .accessibilityAction(named: "Darker") { step(0, -1) }
        .accessibilityAction(named: "More vivid") { step(1, 0) }
        .accessibilityAction(named: "More muted") { step(-1, 0) }
    }

    private var place: Pad.Place { pad.place(of: values) }

    private func moveTo(_ point: CGPoint) {
        move(pad.values(at: Pad.Place(x: Double(point.x) / side, y: Double(point.y) / side)))
    }

    private func step(_ right: Int, _ higher: Int) { move(pad.stepped(values, right: right, higher: higher)) }

    private func percent(_ value: Double) -> Int { Int((100 * value).rounded()) }
}
