import EdgekitCore
import Foundation
import SwiftUI

/// Turns what the user does into orders for the controller, and what the controller reports into state.
@MainActor
final class DemoViewModel: ObservableObject {
    @Published private(set) var state = UiState()
    let controller = DemoController()

    func start() async {
        guard state.phase == .loading else { return }
        controller.report = { [weak self] report in self?.take(report) }
        await controller.open()
        guard state.phase == .ready else { return }
        await choose(source: .camera(.back))
    }

    func choose(style: String) async {
        state.style = style
        await controller.show(style: style)
    }

    func choose(source: UiState.Source) async {
        state.source = source
        state.notice = nil
        if case .camera(let side) = source { await controller.useCamera(side) }
    }

    func use(photo data: Data?) async {
        guard let data else {
            state.notice = "This photo could not be fetched; choose another."
            return
        }
        state.source = .photo
        state.notice = nil
        await controller.usePhoto(data)
    }

    func set(_ control: Control, to value: Double) {
        state.controls[control] = value
        showControls()
    }

    func set(_ values: Pad.Values) {
        state.controls.color = values.color
        state.controls.tone = values.tone
        showControls()
    }

    func showBefore(_ isShown: Bool) {
        state.isShowingBefore = isShown
        showControls()
    }

    func sceneChanged(isActive: Bool) async {
        guard state.phase == .ready else { return }
        if !isActive {
            controller.pause()
        } else if case .camera(let side) = state.source {
            await controller.useCamera(side)
        }
    }

    private func showControls() {
        controller.controls = state.isShowingBefore ? state.controls.before : state.controls
    }

    private func take(_ report: DemoController.Report) {
        switch report {
        case .opened(let index):
            state.styles = index.styles
            state.style = index.defaultStyle
            state.ranges = index.controls
            for range in index.controls {
                if let control = Control(rawValue: range.name) { state.controls[control] = range.defaultValue }
            }
            state.phase = .ready
            showControls()
        case .refused(let sentence): state.phase = .refused(sentence)
        case .notice(let sentence): state.notice = sentence
        case .timing(let lines): state.timing = lines
        case .accelerators(let sentences): state.accelerators = sentences
        }
    }
}
