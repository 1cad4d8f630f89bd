import Foundation

/// One way of running the network. `open` throws where it cannot.
public struct Candidate<Network: Sendable>: Sendable {
    /// Its name in reports, such as `gpu`.
    public let accelerator: String
    public let artifactSha256: String
    public let open: @Sendable () async throws -> Network

    public init(accelerator: String, artifactSha256: String, open: @escaping @Sendable () async throws -> Network) {
        self.accelerator = accelerator
        self.artifactSha256 = artifactSha256
        self.open = open
    }
}

/// One inference of the golden picture.
public struct GoldenRun: Sendable {
    /// ΔE2000 (95th percentile) between the styled picture and the golden one.
    public let deltaE00P95: Double
    /// The inference alone.
    public let inferenceMs: Double

    public init(deltaE00P95: Double, inferenceMs: Double) {
        self.deltaE00P95 = deltaE00P95
        self.inferenceMs = inferenceMs
    }
}

/// Where a choice holds. In another place everything is tried anew.
public struct ProvingPlace: Sendable {
    public let device: String
    public let driver: String
    public let runtime: String

    public init(device: String, driver: String, runtime: String) {
        self.device = device
        self.driver = driver
        self.runtime = runtime
    }
}

/// Keeps one text from start to start.
public protocol ChoiceStore: Sendable {
    /// Nil where nothing was written yet.
    func read() throws -> String?
    /// A reader sees the whole text or the one before.
    func write(_ text: String) throws
}

/// The open network that is to be used, and one sentence on each candidate.
public struct Choice<Network: Sendable>: Sendable {
    public let network: Network
    public let accelerator: String
    public let isRemembered: Bool
    public let sentences: [String]

    public var report: ChoiceReport {
        ChoiceReport(accelerator: accelerator, isRemembered: isRemembered, sentences: sentences)
    }
}

/// A choice without its network.
public struct ChoiceReport: Encodable, Equatable, Sendable {
    public let accelerator: String
    public let isRemembered: Bool
    public let sentences: [String]

    public init(accelerator: String, isRemembered: Bool, sentences: [String]) {
        self.accelerator = accelerator
        self.isRemembered = isRemembered
        self.sentences = sentences
    }

    private enum CodingKeys: String, CodingKey {
        case accelerator, sentences
        case isRemembered = "remembered"
    }
}

/// Chooses between several ways of running the network: each is held to the golden picture several times in a row, the
/// right ones are timed, and the fastest is remembered.
///
/// Kotlin and JavaScript decide the same; tests/shared/accelerator_choice.json holds all three to it.
public struct AcceleratorChooser<Network: Sendable>: Sendable {
    private let place: ProvingPlace
    private let bound: Double
    private let store: any ChoiceStore
    private let nowMs: @Sendable () -> Double
    private let prove: @Sendable (Network) throws -> GoldenRun

    /// `bound`: the golden picture's. `nowMs`: a clock that never goes back. `prove`: one inference of the golden picture.
    public init(
        place: ProvingPlace, bound: Double, store: any ChoiceStore, nowMs: @escaping @Sendable () -> Double,
        prove: @escaping @Sendable (Network) throws -> GoldenRun
    ) {
        self.place = place
        self.bound = bound
        self.store = store
        self.nowMs = nowMs
        self.prove = prove
    }

    /// The fastest candidate that is proved, or else `lastResort`; if that does not open either, its error is thrown.
    ///
    /// One of `others` is marked in the store while it is tried. Where the mark was left, the app ended in its trial,
    /// and it is not tried again. So only one choice at a time may use a store.
    public func choose(lastResort: Candidate<Network>, others: [Candidate<Network>]) async throws -> Choice<Network> {
        let all = [lastResort] + others
        let names = [place.device, place.driver, place.runtime] + all.map { "\($0.accelerator) \($0.artifactSha256)" }
        let kept = kept(for: names.map(oneLine), candidates: all.count)
        if let candidate = all.first(where: { $0.accelerator == kept.chosen && !kept.marked.contains($0.accelerator) }),
            let network = try? await candidate.open()
        {
            return Choice(
                network: network, accelerator: candidate.accelerator, isRemembered: true, sentences: kept.sentences
            )
        }
        return try await chooseAnew(lastResort: lastResort, others: others, kept: kept)
    }

    /// Where `medianMs` is nil, the candidate was not proved.
    private struct Trial {
        let candidate: String
        var network: Network?
        var medianMs: Double?
        var finding = ""
        var error: (any Error)?

        func sentence(isChosen: Bool) -> String {
            switch (medianMs, isChosen) {
            case (nil, true): return "\(candidate): used unproved, as the last resort: \(finding)"
            case (nil, false): return "\(candidate): \(finding)"
            case (_, true): return "\(candidate): chosen, the fastest of those proved: \(finding)"
            case (_, false): return "\(candidate): proved, but not faster: \(finding)"
            }
        }
    }

    private func chooseAnew(
        lastResort: Candidate<Network>, others: [Candidate<Network>], kept: KeptChoice
    ) async throws -> Choice<Network> {
        var state = KeptChoice(key: kept.key, marked: kept.marked, chosen: nil, sentences: [])
        var trials = [await trial(of: lastResort)]
        var best = 0
        for candidate in others {
            if let reason = markOrReason(candidate.accelerator, position: trials.count, state: &state) {
                trials.append(Trial(candidate: candidate.accelerator, finding: reason))
                continue
            }
            trials.append(await trial(of: candidate))
            let last = trials.count - 1
            let isFaster = trials[last].medianMs.map { $0 < (trials[best].medianMs ?? .infinity) } ?? false
            // The only reference: the network that is not used is let go while the mark still stands.
            trials[isFaster ? best : last].network = nil
            if isFaster { best = last }
            state.marked.removeAll { $0 == candidate.accelerator }
            _ = write(state)
        }
        guard let network = trials[best].network else {
            throw trials[best].error ?? BundleError("No network opens.")
        }
        state.chosen = trials[best].candidate
        state.sentences = trials.indices.map { trials[$0].sentence(isChosen: $0 == best) }
        _ = write(state)
        return Choice(
            network: network, accelerator: trials[best].candidate, isRemembered: false, sentences: state.sentences
        )
    }

    /// Marks the candidate, or returns why it is not tried.
    private func markOrReason(_ accelerator: String, position: Int, state: inout KeptChoice) -> String? {
        if position >= Proof.mostCandidates { return "not tried: at most \(Proof.mostCandidates) candidates are." }
        if state.marked.contains(accelerator) { return "not tried, because the app ended during its last trial." }
        var marked = state
        marked.marked.append(accelerator)
        if let error = write(marked) { return "not tried, because its trial cannot be marked: \(reason(error))" }
        state = marked
        return nil
    }

    private func trial(of candidate: Candidate<Network>) async -> Trial {
        let startedMs = nowMs()
        var trial = Trial(candidate: candidate.accelerator)
        let network: Network
        do {
            network = try await candidate.open()
        } catch {
            trial.error = error
            trial.finding = "not opened: \(reason(error))"
            return trial
        }
        trial.network = network
        var timesMs: [Double] = []
        var worst = 0.0
        for run in 1...Proof.runs {
            guard nowMs() - startedMs <= 1000 * Double(Proof.mostSeconds) else {
                trial.finding = "too slow: after \(run - 1) of \(Proof.runs) runs, \(Proof.mostSeconds) s had passed."
                return trial
            }
            let golden: GoldenRun
            do {
                golden = try prove(network)
            } catch {
                trial.finding = "failed in run \(run) of \(Proof.runs): \(reason(error))"
                return trial
            }
            guard golden.deltaE00P95 <= bound else {  // NaN is not
                let shown = golden.deltaE00P95.isNaN ? "not a number" : decimal("%.2f", golden.deltaE00P95)
                let allowed = "at most \(decimal("%.2f", bound)) is allowed"
                trial.finding = "wrong in run \(run) of \(Proof.runs): ΔE2000 p95 is \(shown), and \(allowed)."
                return trial
            }
            worst = max(worst, golden.deltaE00P95)
            timesMs.append(golden.inferenceMs)
        }
        let medianMs = percentile(0.5, ofSorted: timesMs.dropFirst().sorted())  // the first one compiles and warms up
        trial.medianMs = medianMs
        trial.finding =
            "\(decimal("%.1f", medianMs)) ms, ΔE2000 p95 at most \(decimal("%.2f", worst)) in \(Proof.runs) runs."
        return trial
    }

    /// What the store holds for this key; nothing where it is damaged or was written for another.
    private func kept(for key: [String], candidates: Int) -> KeptChoice {
        let nothing = KeptChoice(key: key, marked: [], chosen: nil, sentences: [])
        guard let text = try? store.read(), text.utf16.count <= Proof.mostStoredCharacters,
            let stored = try? KeptChoice.read(Data(text.utf8)), stored.key == key,
            stored.chosen == nil || stored.sentences.count == candidates
        else { return nothing }
        return stored
    }

    /// The error where the store cannot be written; the next start then tries again.
    private func write(_ state: KeptChoice) -> (any Error)? {
        do {
            try store.write(state.text())
            return nil
        } catch {
            return error
        }
    }
}

private enum Proof {
    static let runs = 5  // a WebGPU backend was right in its first inference only (LiteRT 8065)
    static let mostSeconds = 20  // drivers compile for seconds; nobody waits longer for the first picture
    static let mostCandidates = 4
    static let mostStoredCharacters = 65_536
    static let mostLineCharacters = 200
}

/// What the store's text says. `marked`: the candidates in whose trial the app is, or ended.
private struct KeptChoice: Codable {
    static let schema = "edgekit/accelerator-choice"
    static let version = 1

    let key: [String]
    var marked: [String]
    var chosen: String?
    var sentences: [String]

    private enum CodingKeys: String, CodingKey {
        case schema, key, marked, chosen, sentences
        case version = "schema_version"
    }

    init(key: [String], marked: [String], chosen: String?, sentences: [String]) {
        self.key = key
        self.marked = marked
        self.chosen = chosen
        self.sentences = sentences
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        key = try container.decode([String].self, forKey: .key)
        marked = try container.decode([String].self, forKey: .marked)
        chosen = try container.decode(String?.self, forKey: .chosen)
        sentences = try container.decode([String].self, forKey: .sentences)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.schema, forKey: .schema)
        try container.encode(Self.version, forKey: .version)
        try container.encode(key, forKey: .key)
        try container.encode(marked, forKey: .marked)
        try container.encode(chosen, forKey: .chosen)
        try container.encode(sentences, forKey: .sentences)
    }

    func text() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }

    /// BundleError: another schema, version or form, or a text that steers what shows it.
    static func read(_ data: Data) throws -> KeptChoice {
        let stored = try decoded(
            KeptChoice.self, from: data, at: "the remembered accelerator", schema: schema, version: version
        ) { BundleError($0) }
        let texts = stored.key + stored.marked + stored.sentences + [stored.chosen].compactMap { $0 }
        guard texts.allSatisfy({ !$0.isEmpty && !$0.unicodeScalars.contains(where: steers) }) else {
            throw BundleError("The remembered accelerator holds a text that cannot be shown.")
        }
        return stored
    }
}

private func decimal(_ format: String, _ value: Double) -> String {
    String(format: format, locale: Locale(identifier: "en_US_POSIX"), value)
}

/// An error's message as the end of a sentence.
private func reason(_ error: any Error) -> String {
    let line = oneLine(error.localizedDescription)
    return line.hasSuffix(".") ? line : line + "."
}

/// A text of bounded length, without what steers the text that shows it.
private func oneLine(_ text: String) -> String {
    var kept = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(Proof.mostLineCharacters) { kept.append(steers(scalar) ? " " : scalar) }
    return String(kept).trimmingCharacters(in: .whitespaces)
}
