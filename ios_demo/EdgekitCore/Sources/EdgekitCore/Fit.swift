/// A photo's place in the network's input: the definition of edgekit/images/fit.py.
public enum Fit {
    /// What is done to photos for inputs that are no squares, as the manifest names it.
    public static let framePreprocessing = "fit-bilinear-antialias-srgb-u8/1"
    static let mostAspectChange = 1.5
    static let multiple = 32  // pixels: the largest stride, so that masks are cut between two pixels

    /// The first rows and columns of an input that show all of a photo: all of them where the photo is stretched,
    /// else some, in which it keeps its aspect ratio up to a multiple of 32 pixels.
    public static func shownPart(of photo: PixelSize, in input: PixelSize) -> PixelSize {
        let (across, down) = (photo.width * input.height, photo.height * input.width)
        let isNear = Double(max(across, down)) <= mostAspectChange * Double(min(across, down))
        if input.isSquare || isNear { return input }
        return across <= down
            ? PixelSize(width: side(across, by: photo.height, most: input.width), height: input.height)
            : PixelSize(width: input.width, height: side(down, by: photo.width, most: input.height))
    }

    /// The first rows and columns of a mask that show the photo, which is in the first `shown` pixels of the input.
    public static func shownPart(ofMask mask: PixelSize, shown: PixelSize, in input: PixelSize) -> PixelSize {
        PixelSize(width: mask.width * shown.width / input.width, height: mask.height * shown.height / input.height)
    }

    /// scaled / by, rounded to a multiple of 32 from 32 to `most`.
    private static func side(_ scaled: Int, by: Int, most: Int) -> Int {
        let nearest = (2 * scaled + multiple * by) / (2 * multiple * by) * multiple
        return min(max(nearest, multiple), most)
    }
}
