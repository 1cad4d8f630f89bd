import XCTest

@testable import EdgekitCore

final class TransformTests: XCTestCase {
    private let sensor = PixelSize(width: 1920, height: 1080)

    func testOneTurnPutsTheLeftEdgeOnTop() {
        // Turned clockwise, the picture's bottom left corner comes to the top left.
        let corner = rotation(clockwiseQuarterTurns: 1).applied(x: 0, y: 0)
        XCTAssertEqual(corner.x, 0)
        XCTAssertEqual(corner.y, 1)
    }

    func testFourTurnsAreNone() {
        for turns in -5...5 {
            let there = rotation(clockwiseQuarterTurns: turns)
            XCTAssertEqual(there * rotation(clockwiseQuarterTurns: -turns), .identity)
            XCTAssertEqual(there * there.affineInverse, .identity)
        }
    }

    func testInverseOfAnAsymmetricMatrix() {
        let matrix = crop(left: 0.1, top: 0.3, width: 0.5, height: 0.25) * rotation(clockwiseQuarterTurns: 3) * mirror
        let product = matrix * matrix.affineInverse
        for (value, expected) in zip(product.rowMajor, Matrix3.identity.rowMajor) {
            XCTAssertEqual(value, expected, accuracy: 1e-12)
        }
    }

    func testAspectFillKeepsTheMiddleAndTheShape() {
        let geometry = FrameGeometry(sensor: sensor, quarterTurns: 1, isMirrored: false)
        XCTAssertEqual(geometry.upright, PixelSize(width: 1080, height: 1920))
        let view = PixelSize(width: 1000, height: 1000)
        let matrix = geometry.imageFromOutput(view: view)
        let middle = matrix.applied(x: 0.5, y: 0.5)
        XCTAssertEqual(middle.x, 0.5, accuracy: 1e-12)
        XCTAssertEqual(middle.y, 0.5, accuracy: 1e-12)
        // The upright picture's full width (the sensor's height), and as many pixels of its height.
        let (from, to) = (matrix.applied(x: 0, y: 0), matrix.applied(x: 1, y: 1))
        XCTAssertEqual(abs(to.y - from.y) * 1080, 1080, accuracy: 1e-9)
        XCTAssertEqual(abs(to.x - from.x) * 1920, 1080, accuracy: 1e-9)
    }

    func testMirrorSwapsTheOutputsSides() {
        let plain = FrameGeometry(sensor: sensor, quarterTurns: 1, isMirrored: false)
        let mirrored = FrameGeometry(sensor: sensor, quarterTurns: 1, isMirrored: true)
        let view = PixelSize(width: 390, height: 844)
        let left = plain.imageFromOutput(view: view).applied(x: 0.25, y: 0.1)
        let right = mirrored.imageFromOutput(view: view).applied(x: 0.75, y: 0.1)
        XCTAssertEqual(left.x, right.x, accuracy: 1e-12)
        XCTAssertEqual(left.y, right.y, accuracy: 1e-12)
        XCTAssertEqual(plain.maskFromImage, mirrored.maskFromImage)
    }

    func testTheMaskIsUpright() {
        // The top left of the upright picture is the sensor's bottom left after one clockwise turn.
        let geometry = FrameGeometry(sensor: sensor, quarterTurns: 1, isMirrored: false)
        let inMask = geometry.maskFromImage.applied(x: 0, y: 1)
        XCTAssertEqual(inMask.x, 0)
        XCTAssertEqual(inMask.y, 0)
    }

    func testTurnsOfBothCamerasInEveryOrientation() {
        let expected: [InterfaceOrientation: (back: Int, front: Int)] = [
            .portrait: (1, 1), .portraitUpsideDown: (3, 3), .landscapeLeft: (2, 0), .landscapeRight: (0, 2),
        ]
        for orientation in InterfaceOrientation.allCases {
            XCTAssertEqual(quarterTurns(camera: .back, interface: orientation), expected[orientation]?.back)
            XCTAssertEqual(quarterTurns(camera: .front, interface: orientation), expected[orientation]?.front)
        }
    }
}
