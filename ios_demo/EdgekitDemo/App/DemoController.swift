import CoreML
import CoreVideo
import EdgekitCore
import Foundation
import MetalKit
import UIKit

/// Owns what the picture is made with: bundle, segmenter, camera, GPU. Lives on the main thread; the work
/// is done on the queues of its parts.
@MainActor
final class DemoController: NSObject {
    enum Report {
        case opened(BundleIndex)
        case refused(String)
        case notice(String?)
        case timing([String])
        /// One sentence on each of Core ML's compute units: why they are used, or why not.
        case accelerators([String])
    }

    /// The part that exists once the bundle was accepted.
    private struct Machine {
        let bundle: EdgekitBundle
        let gpu: Gpu
        let worker: FrameWorker
        let accelerators: [String]
    }

    var report: (Report) -> Void = { _ in }
    var controls = Controls(intensity: 1, tone: 0, warmth: 0, skinProtection: 0) {
        didSet { view?.setNeedsDisplay() }
    }
    private weak var view: MTKView?
    private var machine: Machine?
    private var camera: CameraSource?
    private var style: LoadedStyle?
    private var frame: SegmentedFrame?
    /// The photo that is shown, nil while the camera is.
    private var photo: CVPixelBuffer?
    private var isMaskWithoutCopy = true
    private var stretchTimes = RollingTimes(capacity: timedFrames)
    private var segmentTimes = RollingTimes(capacity: timedFrames)
    private var drawTimes = RollingTimes(capacity: timedFrames)
    private var observers: [NSObjectProtocol] = []

    /// Two seconds at 30 frames a second: steady to read, quick to follow heat.
    private static let timedFrames = 60
    /// What a phone that reports serious heat is asked for.
    private static let framesPerSecondWhenHot: Int32 = 15

    /// Reads the bundle in the app and loads what it names; reports `opened` or `refused`.
    func open() async {
        do {
            let opened = try await Self.makeMachine { [weak self] result in
                Task { @MainActor in self?.take(result) }
            }
            machine = opened
            observeSystem()
            await show(style: opened.bundle.index.defaultStyle)
            report(.opened(opened.bundle.index))
            report(.accelerators(opened.accelerators))
        } catch {
            report(.refused(error.localizedDescription))
        }
    }

    func show(style name: String) async {
        guard let machine else { return }
        do {
            style = try await Self.loadStyle(named: name, machine: machine)
            view?.setNeedsDisplay()
        } catch {
            report(.notice(error.localizedDescription))
        }
    }

    func useCamera(_ side: CameraSide) async {
        guard let worker = machine?.worker else { return }
        guard await CameraSource.isAllowed() else {
            report(.notice("The camera is not allowed: allow it in Settings, or choose a photo."))
            return
        }
        let camera = self.camera ?? makeCamera(feeding: worker)
        self.camera = camera
        photo = nil
        do {
            try await camera.start(side: side)
        } catch {
            report(.notice(error.localizedDescription))
        }
    }

    func usePhoto(_ data: Data) async {
        guard let worker = machine?.worker else { return }
        pause()
        do {
            let buffer = try await Self.decode(data).pixels
            photo = buffer
            let size = PixelSize(width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer))
            worker.offer(buffer, geometry: FrameGeometry(sensor: size, quarterTurns: 0, isMirrored: false))
        } catch {
            report(.notice(error.localizedDescription))
        }
    }

    /// The app leaves the foreground, where the GPU is not for it, or the source changes.
    func pause() {
        camera?.stop()
        machine?.worker.discardWaiting()
    }

    /// The view that shows the picture, made anew whenever SwiftUI does so.
    func attach(_ view: MTKView) {
        self.view = view
        view.device = machine?.gpu.device
        view.delegate = self
        view.colorPixelFormat = LoadedStyle.targetFormat
        view.isPaused = true
        view.enableSetNeedsDisplay = true
        view.setNeedsDisplay()
    }

    private nonisolated static func makeMachine(
        done: @escaping @Sendable (Result<(SegmentedFrame, FrameTimes), any Error>) -> Void
    ) async throws -> Machine {
        guard let root = Bundle.main.url(forResource: "edgekit", withExtension: nil) else {
            throw BundleError("The app holds no bundle; run edgekit bundle --into ios_demo and build it again.")
        }
        let bundle = try EdgekitBundle.open(root)
        let gpu = try Gpu()
        let choice = try await SegmenterChoice(bundle: bundle, gpu: gpu).choose()
        let worker = try FrameWorker(segmenter: choice.network, stretcher: gpu.stretcher, cache: gpu.cache, done: done)
        return Machine(bundle: bundle, gpu: gpu, worker: worker, accelerators: choice.sentences)
    }

    private nonisolated static func loadStyle(named name: String, machine: Machine) async throws -> LoadedStyle {
        try LoadedStyle(name: name, description: machine.bundle.shader(ofStyle: name), device: machine.gpu.device)
    }

    private struct DecodedPhoto: @unchecked Sendable {
        let pixels: CVPixelBuffer
    }

    private nonisolated static func decode(_ data: Data) async throws -> DecodedPhoto {
        DecodedPhoto(pixels: try PhotoLoader().load(data))
    }

    private func makeCamera(feeding worker: FrameWorker) -> CameraSource {
        CameraSource(
            received: { buffer, geometry in worker.offer(buffer, geometry: geometry) },
            reported: { [weak self] event in
                Task { @MainActor in self?.take(event) }
            }
        )
    }

    private func take(_ result: Result<(SegmentedFrame, FrameTimes), any Error>) {
        switch result {
        case .success(let (frame, times)):
            // A camera picture that was still in work when the user chose a photo.
            if let photo, frame.image.buffer !== photo { return }
            self.frame = frame
            stretchTimes.add(milliseconds: times.stretchMs)
            segmentTimes.add(milliseconds: times.segmentMs)
            isMaskWithoutCopy = times.isMaskWithoutCopy
            view?.setNeedsDisplay()
        case .failure(let error):
            report(.notice(error.localizedDescription))
        }
    }

    private func take(_ event: CameraSource.Event) {
        switch event {
        case .interrupted:
            report(.notice("The camera is taken by another app or by the phone itself; it comes back on its own."))
        case .resumed: report(.notice(nil))
        }
    }

    private func observeSystem() {
        guard observers.isEmpty else { return }
        let center = NotificationCenter.default
        observers = [
            center.addObserver(
                forName: UIApplication.didReceiveMemoryWarningNotification, object: nil, queue: .main
            ) { [weak self] _ in
                Task { @MainActor in self?.freeMemory() }
            },
            center.addObserver(
                forName: ProcessInfo.thermalStateDidChangeNotification, object: nil, queue: .main
            ) { [weak self] _ in
                Task { @MainActor in self?.followHeat() }
            },
        ]
    }

    private func freeMemory() {
        machine?.worker.discardWaiting()
        machine?.gpu.cache.flush()
    }

    private func followHeat() {
        switch ProcessInfo.processInfo.thermalState {
        case .critical:
            camera?.stop()
            report(.notice("The phone is too hot for the camera; let it cool, then choose the camera again."))
        case .serious:
            camera?.limit(framesPerSecond: Self.framesPerSecondWhenHot)
            report(.notice("The phone is hot: the camera is slowed down."))
        default:
            camera?.limit(framesPerSecond: nil)
            report(.notice(nil))
        }
    }

    private func drawn(milliseconds: Double) {
        drawTimes.add(milliseconds: milliseconds)
        guard let counts = machine?.worker.counts else { return }
        let copy = isMaskWithoutCopy ? "mask read in place" : "mask in a buffer of Core ML's own"
        report(
            .timing([
                timingLine(stage: "resize", summary: stretchTimes.summary, clock: "GPU"),
                timingLine(stage: "segment", summary: segmentTimes.summary, clock: "CPU waiting"),
                timingLine(stage: "draw", summary: drawTimes.summary, clock: "GPU"),
                "\(counts.started) frames, \(counts.replaced) passed over, \(copy)",
            ])
        )
    }

    private func interfaceOrientation(of view: MTKView) -> InterfaceOrientation {
        switch view.window?.windowScene?.interfaceOrientation {
        case .some(.portraitUpsideDown): return .portraitUpsideDown
        case .some(.landscapeLeft): return .landscapeLeft
        case .some(.landscapeRight): return .landscapeRight
        default: return .portrait
        }
    }
}

extension DemoController: MTKViewDelegate {
    nonisolated func mtkView(_ view: MTKView, drawableSizeWillChange size: CGSize) {
        MainActor.assumeIsolated { view.setNeedsDisplay() }
    }

    /// MetalKit calls this on the main thread.
    nonisolated func draw(in view: MTKView) {
        MainActor.assumeIsolated { drawFrame(in: view) }
    }

    private func drawFrame(in view: MTKView) {
        camera?.interfaceTurned(to: interfaceOrientation(of: view))
        guard let machine, let frame, let style, let drawable = view.currentDrawable,
            let commands = machine.gpu.queue.makeCommandBuffer()
        else { return }
        do {
            try StyleRenderer().encode(
                frame, style: style, controls: controls, target: drawable.texture, into: commands
            )
        } catch {
            report(.notice(error.localizedDescription))
            return
        }
        commands.present(drawable)
        commands.addCompletedHandler { [weak self] completed in
            // Holds the frame's buffers until the GPU has read them.
            _ = frame
            guard completed.error == nil else { return }
            let milliseconds = gpuMilliseconds(of: completed)
            Task { @MainActor in self?.drawn(milliseconds: milliseconds) }
        }
        commands.commit()
    }
}
