import EdgekitCore
import MetalKit
import PhotosUI
import SwiftUI

/// The picture, and below it what changes it. Knows state and orders only.
struct DemoScreen: View {
    @StateObject private var model = DemoViewModel()
    @State private var chosenPhoto: PhotosPickerItem?
    @Environment(\.scenePhase) private var scenePhase

    var body: some View {
        content
            .task { await model.start() }
            .onChange(of: scenePhase) { phase in
                Task { await model.sceneChanged(isActive: phase == .active) }
            }
            .onChange(of: chosenPhoto) { item in
                guard let item else { return }
                Task { await model.use(photo: try? await item.loadTransferable(type: Data.self)) }
            }
    }

    @ViewBuilder private var content: some View {
        switch model.state.phase {
        case .loading: ProgressView("Loading the bundle")
        case .refused(let sentence): SentenceScreen(sentence: sentence)
        case .ready:
            VStack(spacing: 0) {
                picture
                panel
            }
        }
    }

    private var picture: some View {
        PictureView(controller: model.controller)
            .overlay(alignment: .topLeading) { timing }
            .overlay(alignment: .bottom) { notice }
            .onLongPressGesture(minimumDuration: .infinity) {
            } onPressingChanged: { isPressed in
                model.showBefore(isPressed)
            }
            .accessibilityLabel("The styled picture. Hold to see it before.")
    }

    private var timing: some View {
        VStack(alignment: .leading, spacing: 2) {
            ForEach(model.state.timing + model.state.accelerators, id: \.self) { line in
                Text(line)
            }
        }
        .font(.caption2.monospacedDigit())
        .foregroundColor(.white)
        .padding(6)
        .background(Color.black.opacity(0.5))
    }

    @ViewBuilder private var notice: some View {
        if let sentence = model.state.notice {
            Text(sentence)
                .padding(10)
                .background(.thinMaterial)
        }
    }

    private var panel: some View {
        VStack(spacing: 8) {
            sources
            Picker("Style", selection: chosenStyle) {
                ForEach(model.state.styles, id: \.name) { style in
                    Text(style.title).tag(style.name)
                }
            }
            HStack(spacing: 12) {
                if let pad = Pad(model.state.ranges) {
                    PadView(pad: pad, values: padValues) { values in model.set(values) }
                }
                VStack(spacing: 4) {
                    ForEach(sliders, id: \.name) { range in
                        slider(range)
                    }
                }
            }
            Toggle("Before", isOn: showsBefore)
        }
        .padding()
    }

    private var sources: some View {
        HStack {
            Button("Back camera") { choose(.camera(.back)) }
            Spacer()
            Button("Front camera") { choose(.camera(.front)) }
            Spacer()
            PhotosPicker("Photo", selection: $chosenPhoto, matching: .images)
        }
    }

    @ViewBuilder private func slider(_ range: ControlRange) -> some View {
        if let control = Control(rawValue: range.name) {
            VStack(alignment: .leading, spacing: 0) {
                Text(range.title.capitalized)
                Slider(value: value(of: control), in: range.minimum...range.maximum)
                    .accessibilityLabel(range.title)
            }
        }
    }

    /// The controls that the pad does not move.
    private var sliders: [ControlRange] {
        let pad = Pad(model.state.ranges)
        return model.state.ranges.filter { pad?.moves($0) != true }
    }

    private var padValues: Pad.Values {
        Pad.Values(color: model.state.controls.color, tone: model.state.controls.tone)
    }

    private func choose(_ source: UiState.Source) {
        chosenPhoto = nil
        Task { await model.choose(source: source) }
    }

    private var chosenStyle: Binding<String> {
        Binding(get: { model.state.style }, set: { name in Task { await model.choose(style: name) } })
    }

    private var showsBefore: Binding<Bool> {
        Binding(get: { model.state.isShowingBefore }, set: { model.showBefore($0) })
    }

    private func value(of control: Control) -> Binding<Double> {
        Binding(get: { model.state.controls[control] }, set: { model.set(control, to: $0) })
    }
}

/// The Metal view in SwiftUI.
struct PictureView: UIViewRepresentable {
    let controller: DemoController

    func makeUIView(context: Context) -> MTKView {
        let view = MTKView()
        controller.attach(view)
        return view
    }

    func updateUIView(_ view: MTKView, context: Context) {}
}
