import EdgekitCore
import SwiftUI

@main
struct EdgekitDemoApp: App {
    private let launch = Launch.read(ProcessInfo.processInfo.arguments)

    var body: some Scene {
        WindowGroup {
            switch launch {
            case .demo: DemoScreen()
            case .benchmark(let request): BenchmarkScreen(request: request)
            case .refused(let sentence): SentenceScreen(sentence: sentence)
            }
        }
    }
}

/// What the app was started for.
enum Launch {
    case demo
    case benchmark(BenchRequest)
    case refused(String)

    static func read(_ arguments: [String]) -> Launch {
        do {
            guard let request = try BenchRequest.read(arguments: arguments) else { return .demo }
            return .benchmark(request)
        } catch {
            return .refused(error.localizedDescription)
        }
    }
}

/// One sentence in the middle of the screen.
struct SentenceScreen: View {
    let sentence: String

    var body: some View {
        Text(sentence)
            .multilineTextAlignment(.center)
            .padding(24)
            .frame(maxWidth: .infinity, maxHeight: .infinity)
    }
}
