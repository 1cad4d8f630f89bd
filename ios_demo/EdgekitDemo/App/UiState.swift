import EdgekitCore

/// All that the screen shows, apart from the picture itself.
struct UiState: Equatable {
    enum Phase: Equatable {
        case loading
        case ready
        /// Nothing can be shown; the sentence says why.
        case refused(String)
    }

    enum Source: Equatable {
        case camera(CameraSide)
        case photo
    }

    var phase = Phase.loading
    var source = Source.camera(.back)
    var styles: [StyleEntry] = []
    var style = ""
    var ranges: [ControlRange] = []
    var controls = Controls(intensity: 1, tone: 0, warmth: 0, skinProtection: 0)
    var isShowingBefore = false
    /// Something that passes: the camera is in use elsewhere, the phone is hot, a photo could not be read.
    var notice: String?
    var timing: [String] = []
    /// One sentence on each accelerator: why it is used, or why not.
    var accelerators: [String] = []
}
