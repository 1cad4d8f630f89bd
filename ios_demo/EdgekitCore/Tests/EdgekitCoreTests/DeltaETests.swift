import XCTest

@testable import EdgekitCore

final class DeltaETests: XCTestCase {
    /// Pairs 1, 5, 7, 9, 13, 17, 20, 25 and 34 of Sharma, Wu and Dalal's table 1.
    func testThePapersPairs() {
        typealias Lab = (Double, Double, Double)
        let pairs: [(Lab, Lab, Double)] = [
            ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
            ((50, -1.1848, -84.8006), (50, 0, -82.7485), 1.0),
            ((50, 0, 0), (50, -1, 2), 2.3669),
            ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
            ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
            ((50, 2.5, 0), (73, 25, -18), 27.1492),
            ((50, 2.5, 0), (58, 24, 15), 19.4535),
            ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
            ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
        ]
        for (first, second, expected) in pairs {
            XCTAssertEqual(deltaE00(lab: first, second), expected, accuracy: 1e-4)
            XCTAssertEqual(deltaE00(lab: second, first), expected, accuracy: 1e-4)
        }
    }

    func testThePercentileOverAPicture() {
        let plain: [UInt8] = [201, 143, 120, 255, 0, 0, 0, 255, 9, 9, 9, 255]
        XCTAssertEqual(deltaE00P95(plain, plain), 0)
        let other: [UInt8] = [190, 150, 99, 0, 0, 0, 0, 255, 9, 9, 9, 255]
        // Of 0, 0 and 12.04, linear between the two largest; alpha says nothing.
        XCTAssertEqual(deltaE00P95(plain, other), 0.9 * 12.0400, accuracy: 2e-3)
    }

    func testColoursOfBytes() {
        XCTAssertEqual(deltaE00((201, 143, 120), (201, 143, 120)), 0)
        // skimage.color.deltaE_ciede2000(rgb2lab(…), rgb2lab(…)) of these bytes.
        XCTAssertEqual(deltaE00((201, 143, 120), (190, 150, 99)), 12.0400, accuracy: 2e-3)
    }
}
