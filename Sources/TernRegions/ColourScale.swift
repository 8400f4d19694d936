/// Colours of a map from weak to strong: dark blue, purple, orange, light yellow.
///
/// Made for this package in the OKLab space (Ottosson 2020): lightness rises from 0.36 to 0.92 along a curve that is divided into equal distances, so that
/// neighbours look equally far apart. Lightness rises with every step also as people with protanopia, deuteranopia and tritanopia see them (Machado et al.
/// 2009), and in grey print.
enum ColourScale {
    /// Red, green, blue of sRGB at 0, 1/8 ... 1.
    static let stops: [[Int]] = [
        [57, 35, 142], [96, 53, 143], [134, 70, 143], [170, 90, 141], [201, 113, 136], [228, 139, 129], [247, 169, 117], [255, 200, 99], [255, 231, 71],
    ]

    /// 257 colours for weights 0 ... 256, red, green and blue one after the other.
    static func table() -> [Int] {
        var values: [Int] = []
        values.reserveCapacity(257 * 3)
        for weight in 0...256 {
            let stop = min(weight / 32, 7)
            let part = weight - stop * 32
            for channel in 0..<3 { values.append((stops[stop][channel] * (32 - part) + stops[stop + 1][channel] * part + 16) / 32) }
        }
        return values
    }
}
