/// A 3×3 matrix that takes column vectors (x, y, 1) of one texture space to another: `b_from_a`.
///
/// Texture space: (0, 0) is the top left corner of the picture's first row, (1, 1) the bottom right; x runs
/// right, y runs down. The same as `edgekit/shader/transforms.py`.
public struct Matrix3: Equatable, Sendable {
    /// Nine values, row after row.
    public let rowMajor: [Double]

    public static let identity = Matrix3(rows: (1, 0, 0), (0, 1, 0), (0, 0, 1))

    public init(
        rows first: (Double, Double, Double), _ second: (Double, Double, Double), _ third: (Double, Double, Double)
    ) {
        rowMajor = [
            first.0, first.1, first.2, second.0, second.1, second.2, third.0, third.1, third.2,
        ]
    }

    public subscript(row: Int, column: Int) -> Double { rowMajor[3 * row + column] }

    /// `c_from_b * b_from_a` is `c_from_a`.
    public static func * (left: Matrix3, right: Matrix3) -> Matrix3 {
        func entry(_ row: Int, _ column: Int) -> Double {
            left[row, 0] * right[0, column] + left[row, 1] * right[1, column] + left[row, 2] * right[2, column]
        }
        return Matrix3(
            rows: (entry(0, 0), entry(0, 1), entry(0, 2)),
            (entry(1, 0), entry(1, 1), entry(1, 2)),
            (entry(2, 0), entry(2, 1), entry(2, 2))
        )
    }

    /// The other direction of an affine matrix, whose third row is (0, 0, 1) and whose determinant is not 0;
    /// crops, mirrors and turns are.
    public var affineInverse: Matrix3 {
        let determinant = self[0, 0] * self[1, 1] - self[0, 1] * self[1, 0]
        let (a, b) = (self[1, 1] / determinant, -self[0, 1] / determinant)
        let (c, d) = (-self[1, 0] / determinant, self[0, 0] / determinant)
        return Matrix3(
            rows: (a, b, -(a * self[0, 2] + b * self[1, 2])),
            (c, d, -(c * self[0, 2] + d * self[1, 2])),
            (0, 0, 1)
        )
    }

    /// Where the point goes.
    public func applied(x: Double, y: Double) -> (x: Double, y: Double) {
        (self[0, 0] * x + self[0, 1] * y + self[0, 2], self[1, 0] * x + self[1, 1] * y + self[1, 2])
    }
}
