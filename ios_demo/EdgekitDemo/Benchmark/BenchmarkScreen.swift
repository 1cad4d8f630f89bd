import EdgekitCore
import SwiftUI
import UIKit

/// Runs the benchmark that the app was started for, and says how it went.
struct BenchmarkScreen: View {
    let request: BenchRequest
    @State private var sentence = "Measuring; leave the phone alone."

    var body: some View {
        SentenceScreen(sentence: sentence)
            .task {
                UIApplication.shared.isIdleTimerDisabled = true
                sentence = await BenchmarkRunner(request: request).run()
                UIApplication.shared.isIdleTimerDisabled = false
            }
    }
}
