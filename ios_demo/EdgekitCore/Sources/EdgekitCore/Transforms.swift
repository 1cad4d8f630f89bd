/// A size in pixels; both sides are positive.
public struct PixelSize: Equatable, Sendable {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    public var isSquare: Bool { width == height }
    public var swapped: PixelSize { PixelSize(width: height, height: width) }
}

/// image_from_output that shows this window of the image; all four as fractions of its sides.
public func crop(left: Double, top: Double, width: Double, height: Double) -> Matrix3 {
    Matrix3(rows: (width, 0, left), (0, height, top), (0, 0, 1))
}

/// image_from_output that swaps left and right, as a front camera's preview does.
public let mirror = Matrix3(rows: (-1, 0, 1), (0, 1, 0), (0, 0, 1))

/// image_from_output that shows the image turned clockwise by so many quarter turns.
public func rotation(clockwiseQuarterTurns turns: Int) -> Matrix3 {
    switch ((turns % 4) + 4) % 4 {
    case 1: return Matrix3(rows: (0, 1, 0), (-1, 0, 1), (0, 0, 1))
    case 2: return Matrix3(rows: (-1, 0, 1), (0, -1, 1), (0, 0, 1))
    case 3: return Matrix3(rows: (0, -1, 1), (1, 0, 0), (0, 0, 1))
    default: return .identity
    }
}

/// How one sensor picture comes to the screen and to the segmenter.
///
/// The segmenter sees the whole upright picture, so its mask is in upright space. The view shows the
/// largest centred part of the upright picture that has the view's shape (aspect fill).
public struct FrameGeometry: Equatable, Sendable {
    public let sensor: PixelSize
    /// Clockwise turns that make the sensor's picture upright.
    public let quarterTurns: Int
    public let isMirrored: Bool

    public init(sensor: PixelSize, quarterTurns: Int, isMirrored: Bool) {
        self.sensor = sensor
        self.quarterTurns = quarterTurns
        self.isMirrored = isMirrored
    }

    public var upright: PixelSize { quarterTurns % 2 == 0 ? sensor : sensor.swapped }

    public var sensorFromUpright: Matrix3 { rotation(clockwiseQuarterTurns: quarterTurns) }

    /// mask_from_image: the sensor picture is the shader's image, the upright picture the mask's space.
    public var maskFromImage: Matrix3 { rotation(clockwiseQuarterTurns: -quarterTurns) }

    /// image_from_output of a view of this size.
    public func imageFromOutput(view: PixelSize) -> Matrix3 {
        let (viewWidth, viewHeight) = (Double(view.width), Double(view.height))
        let (width, height) = (Double(upright.width), Double(upright.height))
        let scale = max(viewWidth / width, viewHeight / height)
        let (shownWidth, shownHeight) = (viewWidth / (width * scale), viewHeight / (height * scale))
        let window = crop(
            left: (1 - shownWidth) / 2, top: (1 - shownHeight) / 2, width: shownWidth, height: shownHeight
        )
        return sensorFromUpright * (isMirrored ? window * mirror : window)
    }
}

/// How the user interface stands, as UIInterfaceOrientation names it.
public enum InterfaceOrientation: CaseIterable, Sendable {
    case portrait, portraitUpsideDown, landscapeLeft, landscapeRight
}

public enum CameraSide: CaseIterable, Sendable {
    case back, front
}

/// Clockwise quarter turns that make a camera's picture upright on the screen.
///
/// For buffers as AVCaptureVideoDataOutput delivers them when no rotation is asked of its connection: the
/// back sensor's rows run along the long side of the phone, upright when the interface is landscapeRight
/// (home button on the right); the front sensor's are upright when it is landscapeLeft. Mirroring, which the
/// front camera's preview needs, comes after the turn.
public func quarterTurns(camera: CameraSide, interface: InterfaceOrientation) -> Int {
    switch (interface, camera) {
    case (.portrait, _): return 1
    case (.portraitUpsideDown, _): return 3
    case (.landscapeRight, .back), (.landscapeLeft, .front): return 0
    case (.landscapeLeft, .back), (.landscapeRight, .front): return 2
    }
}
