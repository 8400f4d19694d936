import TernBytes
public import TernImage

/// Encodes pictures as baseline JPEG with libjpeg-turbo.
public enum JPEGEncoder {
    /// Writes one picture: a JFIF file, grey or YCbCr with colour at every pixel.
    ///
    /// - Parameter quality: 1 ... 100 on libjpeg's scale; 75 is its standard, from 90 on edges of boxes stay clean.
    /// - Precondition: both sides are 1 ... `ImageLimits.limitSide`, `channels` is 1 or 3 and `samples` has the count of the shape.
    /// - Source: ITU-T T.81 (1992) with libjpeg's exact integer transform and the tables of its Annex K: the same bytes on every CPU.
    public static func encode(_ image: ShownImage, quality: Int) -> [UInt8] {
        precondition((1...100).contains(quality), "a quality of libjpeg's scale")
        precondition((1...ImageLimits.limitSide).contains(image.width) && (1...ImageLimits.limitSide).contains(image.height), "sides within the limits")
        precondition(image.channels == 1 || image.channels == 3, "grey or RGB")
        guard
            let bytes = JPEGLibrary.encode(
                image.samples.rawBytes, width: image.width, height: image.height, components: image.channels, quality: quality)
        else { preconditionFailure("memory is refused") }
        return bytes
    }
}
