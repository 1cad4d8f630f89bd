import Foundation

/// CIEDE2000 between two encoded sRGB colours of three bytes, D65.
/// Sharma, Wu and Dalal, "The CIEDE2000 Color-Difference Formula", 2005.
public func deltaE00(_ first: (UInt8, UInt8, UInt8), _ second: (UInt8, UInt8, UInt8)) -> Double {
    deltaE00(lab: labFromSRGB(first), labFromSRGB(second))
}

/// The 95th percentile of CIEDE2000 over the pixels of two RGBA pictures of one size.
public func deltaE00P95(_ first: [UInt8], _ second: [UInt8]) -> Double {
    precondition(first.count == second.count && !first.isEmpty, "pictures of two sizes cannot be compared")
    let differences = stride(from: 0, to: first.count, by: 4).map { at in
        let (one, two) = ((first[at], first[at + 1], first[at + 2]), (second[at], second[at + 1], second[at + 2]))
        return one == two ? 0 : deltaE00(one, two)  // most of a picture is the same
    }
    return percentile(0.95, ofSorted: differences.sorted())
}

/// CIELAB (L*, a*, b*), D65, of an encoded sRGB colour (IEC 61966-2-1).
func labFromSRGB(_ rgb: (UInt8, UInt8, UInt8)) -> (Double, Double, Double) {
    func linear(_ level: UInt8) -> Double {
        let c = Double(level) / 255
        return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4)
    }
    let (r, g, b) = (linear(rgb.0), linear(rgb.1), linear(rgb.2))
    let x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    let y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    let z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883
    func f(_ t: Double) -> Double {
        t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116
    }
    return (116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z)))
}

/// CIEDE2000 between two CIELAB colours; the names are the paper's.
func deltaE00(lab first: (Double, Double, Double), _ second: (Double, Double, Double)) -> Double {
    let meanC = (hypot(first.1, first.2) + hypot(second.1, second.2)) / 2
    let g = 0.5 * (1 - sqrt(pow(meanC, 7) / (pow(meanC, 7) + pow(25, 7))))
    let (a1, a2) = ((1 + g) * first.1, (1 + g) * second.1)
    let (c1, c2) = (hypot(a1, first.2), hypot(a2, second.2))
    let (h1, h2) = (hueDegrees(a1, first.2), hueDegrees(a2, second.2))
    let isGrey = c1 * c2 == 0
    var hueStep = isGrey ? 0 : h2 - h1
    if hueStep > 180 { hueStep -= 360 } else if hueStep < -180 { hueStep += 360 }
    var meanHue = h1 + h2
    if !isGrey {
        if abs(h1 - h2) <= 180 { meanHue /= 2 } else { meanHue = (meanHue + (meanHue < 360 ? 360 : -360)) / 2 }
    }
    let (stepL, stepC) = (second.0 - first.0, c2 - c1)
    let stepH = 2 * sqrt(c1 * c2) * sin(radians(hueStep / 2))
    let (meanL, meanChroma) = ((first.0 + second.0) / 2, (c1 + c2) / 2)
    let t =
        1 - 0.17 * cos(radians(meanHue - 30)) + 0.24 * cos(radians(2 * meanHue))
        + 0.32 * cos(radians(3 * meanHue + 6)) - 0.20 * cos(radians(4 * meanHue - 63))
    let fromMiddle = pow(meanL - 50, 2)
    let sL = 1 + 0.015 * fromMiddle / sqrt(20 + fromMiddle)
    let (sC, sH) = (1 + 0.045 * meanChroma, 1 + 0.015 * meanChroma * t)
    let turn = 30 * exp(-pow((meanHue - 275) / 25, 2))
    let rC = 2 * sqrt(pow(meanChroma, 7) / (pow(meanChroma, 7) + pow(25, 7)))
    let rT = -sin(radians(2 * turn)) * rC
    let (l, c, h) = (stepL / sL, stepC / sC, stepH / sH)
    return sqrt(l * l + c * c + h * h + rT * c * h)
}

private func hueDegrees(_ a: Double, _ b: Double) -> Double {
    guard a != 0 || b != 0 else { return 0 }
    let degrees = atan2(b, a) * 180 / .pi
    return degrees < 0 ? degrees + 360 : degrees
}

private func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }
