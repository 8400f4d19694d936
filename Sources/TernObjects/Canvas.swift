import TernImage

/// An RGB picture that words are drawn below.
struct Canvas {
    let width: Int
    private(set) var height: Int
    private(set) var samples: [UInt8]

    /// The picture, each of its pixels `factor` squared of the canvas, with black beside it up to `leastWidth`.
    init(_ picture: ShownImage, factor: Int, leastWidth: Int) {
        let pictureWidth = picture.width * factor
        width = max(pictureWidth, leastWidth)
        height = picture.height * factor
        samples = []
        samples.reserveCapacity(width * height * 3)
        for row in 0..<height {
            let start = row / factor * picture.width
            for column in 0..<pictureWidth {
                let index = (start + column / factor) * picture.channels
                samples.append(picture.samples[index])
                samples.append(picture.samples[picture.channels == 3 ? index + 1 : index])
                samples.append(picture.samples[picture.channels == 3 ? index + 2 : index])
            }
            samples.append(contentsOf: repeatElement(0, count: (width - pictureWidth) * 3))
        }
    }

    /// Adds black rows below; their first.
    mutating func extend(by rowCount: Int) -> Int {
        samples.append(contentsOf: repeatElement(0, count: width * rowCount * 3))
        defer { height += rowCount }
        return height
    }

    /// Makes a rectangle white as far as it lies on the canvas.
    private mutating func fill(x: Int, y: Int, width: Int, height: Int) {
        for row in max(y, 0)..<max(min(y + height, self.height), max(y, 0)) {
            for column in max(x, 0)..<max(min(x + width, self.width), max(x, 0)) {
                let index = (row * self.width + column) * 3
                for channel in 0..<3 { samples[index + channel] = 255 }
            }
        }
    }

    /// Draws a white line of capitals, digits and punctuation of ASCII, from its upper left corner; others are question marks.
    mutating func draw(_ text: [UInt8], x: Int, y: Int, scale: Int) {
        for (index, character) in text.enumerated() {
            let rows = Self.rows(of: character)
            for row in 0..<Self.letterHeight {
                for column in 0..<5 where rows >> UInt64(34 - row * 5 - column) & 1 == 1 {
                    let left = x + (index * Self.letterWidth + column) * scale
                    fill(x: left, y: y + row * scale, width: scale, height: scale)
                }
            }
        }
    }

    private static func rows(of character: UInt8) -> UInt64 {
        let capital = (0x61...0x7A).contains(character) ? character - 0x20 : character
        return letters[(0x20...0x5F).contains(capital) ? Int(capital) - 0x20 : 0x1F]
    }

    /// With the space to the next one, and to the next line.
    static let letterWidth = 6
    static let lineHeight = 10
    private static let letterHeight = 7

    /// Of the characters 0x20 to 0x5F seven rows of five bits, the upper left pixel highest.
    private static let letters: [UInt64] = [
        0x000000000, 0x108420080, 0x294000000, 0x2BEA57D40, 0x11F4717C4, 0x674222173, 0x324C54A4D, 0x108000000,
        0x088842082, 0x208210888, 0x02AEFBAA0, 0x0084F9080, 0x000003088, 0x000070000, 0x00000018C, 0x044222110,
        0x3A33AE62E, 0x11842108E, 0x3A213221F, 0x3A213062E, 0x08CA97C42, 0x7E1E0862E, 0x3A10F462E, 0x7C2221108,
        0x3A317462E, 0x3A317842E, 0x018C03180, 0x018C03088, 0x088882082, 0x001F07C00, 0x208208888, 0x3A2131004,
        0x3A37ADE0E, 0x3A31FC631, 0x7A31F463E, 0x3A308422E, 0x7A318C63E, 0x7E10F421F, 0x7E10F4210, 0x3A30BC62F,
        0x4631FC631, 0x38842108E, 0x1C4210A4C, 0x4654C5251, 0x42108421F, 0x4775AC631, 0x4739ACE71, 0x3A318C62E,
        0x7A31F4210, 0x3A318D64D, 0x7A31F5251, 0x3A307062E, 0x7C8421084, 0x46318C62E, 0x46318A944, 0x4631AD771,
        0x462A22A31, 0x462A21084, 0x7C222221F, 0x39084210E, 0x410820841, 0x38421084E, 0x115100000, 0x00000001F,
    ]
}
