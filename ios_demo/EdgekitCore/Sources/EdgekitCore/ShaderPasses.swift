/// A draw before the fused one, in the order of the description.
public struct ShaderPass: Decodable, Equatable, Sendable {
    public let name: String
    /// The slot that it draws into.
    public let target: String
    /// Pixels of what it draws; a smaller image is not enlarged.
    public let longestSide: Int
    /// The slots that it reads.
    public let textures: [String]

    private enum CodingKeys: String, CodingKey {
        case name, target, textures
        case longestSide = "longest_side"
    }
}

/// The size of a pass's target: copy_shape of edgekit/color/blur.py.
func copySize(of image: PixelSize, longestSide: Int) -> PixelSize {
    let scale = min(1, Double(longestSide) / Double(max(image.width, image.height)))
    func side(_ of: Int) -> Int {
        max(1, Int((Double(of) * scale).rounded(.toNearestOrEven)))  // a half goes to the even neighbour, as in Python
    }
    return PixelSize(width: side(image.width), height: side(image.height))
}

extension ShaderDescription {
    /// The size of each slot that a pass draws into, for an image of this size.
    public func targetSizes(for image: PixelSize) -> [String: PixelSize] {
        passes.reduce(into: [:]) { sizes, pass in sizes[pass.target] = copySize(of: image, longestSide: pass.longestSide) }
    }

    /// Each pass must be able to draw: into a slot of its own, from slots that hold something by then.
    static func check(_ passes: [ShaderPass], textures: [ShaderTexture], path: String) throws {
        let drawn = textures.filter { $0.role == "blurred" }
        guard passes.map(\.target).sorted() == drawn.map(\.name).sorted() else {
            throw ShaderError("\(path): its passes do not draw each of the textures that passes draw once.")
        }
        guard drawn.allSatisfy({ $0.dimension == "2d" && $0.format == "rgba16float" }) else {
            throw ShaderError("\(path): a pass draws into another form of texture than this app's.")
        }
        var ready = Set(textures.map(\.name)).subtracting(drawn.map(\.name))
        for pass in passes {
            guard pass.longestSide >= 1, !pass.textures.isEmpty else {
                throw ShaderError("\(path): the pass \(pass.name) has no size or reads nothing.")
            }
            if let missing = pass.textures.first(where: { !ready.contains($0) }) {
                throw ShaderError("\(path): the pass \(pass.name) reads \(missing), which holds nothing by then.")
            }
            ready.insert(pass.target)
        }
    }
}
