import Foundation

/// What one draw sets, apart from the layers' strengths, which the description holds.
public struct DrawValues: Equatable, Sendable {
    public let controls: Controls
    public let imageFromOutput: Matrix3
    public let maskFromImage: Matrix3
    /// Pixels of the shader's image.
    public let image: PixelSize
    /// Pixels of what is drawn into.
    public let output: PixelSize

    public init(
        controls: Controls, imageFromOutput: Matrix3, maskFromImage: Matrix3, image: PixelSize, output: PixelSize
    ) {
        self.controls = controls
        self.imageFromOutput = imageFromOutput
        self.maskFromImage = maskFromImage
        self.image = image
        self.output = output
    }
}

extension ShaderDescription {
    /// The bytes of MSL's uniform block: little-endian floats, a matrix as three columns 16 bytes apart.
    public func uniformBlock(_ values: DrawValues) throws -> Data {
        var block = [Float](repeating: 0, count: uniformBlockSizeBytes / Self.floatBytes)
        for uniform in uniforms {
            let at = uniform.offsetBytes / Self.floatBytes
            switch try value(of: uniform, in: values) {
            case .number(let number):
                block[at] = Float(number)
            case .matrix(let matrix):
                for column in 0..<3 {
                    for row in 0..<3 {
                        block[at + 4 * column + row] = Float(matrix[row, column])
                    }
                }
            }
        }
        var bytes = Data(capacity: uniformBlockSizeBytes)
        for number in block {
            withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    private enum UniformValue {
        case number(Double)
        case matrix(Matrix3)
    }

    private func value(of uniform: ShaderUniform, in values: DrawValues) throws -> UniformValue {
        switch (uniform.name, uniform.type) {
        case ("image_from_output", .mat3): return .matrix(values.imageFromOutput)
        case ("mask_from_image", .mat3): return .matrix(values.maskFromImage)
        case ("image_from_mask", .mat3): return .matrix(values.maskFromImage.affineInverse)
        case ("grain_from_image", .mat3): return .matrix(Self.grainFromImage(values.image))
        case ("picture_from_output", .mat3):
            if let matrix = pictureFromOutput(values.output) { return .matrix(matrix) }
        case ("blur", .float): return .number(blur)
        case ("image_width", .float): return .number(Double(values.image.width))
        case ("image_height", .float): return .number(Double(values.image.height))
        case (let name, .float):
            if let control = Control(rawValue: name) { return .number(values.controls[control]) }
            if let strength = strength(named: name) { return .number(strength) }
        default: break
        }
        throw ShaderError("The shader \"\(title)\" asks for the uniform \(uniform.name), which this app does not know.")
    }

    /// An image that is the whole photo lies on the grain with its longer side as 1.
    private static func grainFromImage(_ image: PixelSize) -> Matrix3 {
        let longest = Double(max(image.width, image.height))
        return Matrix3(
            rows: (Double(image.width) / longest, 0, 0), (0, Double(image.height) / longest, 0), (0, 0, 1)
        )
    }

    /// The second picture fills the output, centred, cut where its shape differs; it is never mirrored.
    private func pictureFromOutput(_ output: PixelSize) -> Matrix3? {
        pictureSize.map { FrameGeometry(sensor: $0, quarterTurns: 0, isMirrored: false).imageFromOutput(view: output) }
    }

    /// `strength_<index of the layer>`.
    private func strength(named name: String) -> Double? {
        guard name.hasPrefix("strength_"), let index = Int(name.dropFirst("strength_".count)),
            layers.indices.contains(index)
        else { return nil }
        return layers[index].strength
    }
}
