public import TernFindings
public import TernImage

/// A picture with a map laid over it.
public enum Overlay {
    /// How much the colour of the strongest patches hides of the picture, of 256.
    public static let standardOpacity = 166
    /// A patch that holds so many times the even share, or more, has the strongest colour.
    public static let fullConcentration: Float = 6
    /// A picture whose longer side is shorter is enlarged a whole number of times, to this or a little more.
    public static let lowestSide = 512

    /// Draws a map and the boxes of its regions.
    ///
    /// Colour means concentration: what a patch that speaks for the finding holds of all that speaks for or against it, in multiples of the even share, on a
    /// scale that is the same for every picture. A patch with the even share or less has none: a map that is spread evenly leaves the picture as it is, and
    /// so does one that speaks against. Between the centres of patches colours go over into
    /// each other; the boxes end where patches end.
    ///
    /// - Shapes: three channels; the picture of the evidence in its size, or enlarged.
    /// - Parameters:
    ///   - map: one of the evidence's.
    ///   - regions: in the pixels of the decoded image.
    ///   - opacity: 0 ... 256; 0 shows the picture and the boxes alone.
    /// - Precondition: the map has as many values as patches, and the picture as many samples as its shape.
    /// - Cost: a pass over the result, in integers; the same bytes on every CPU.
    public static func picture(
        of map: LocationMap, regions: [FindingRegion], over evidence: Evidence, opacity: Int = standardOpacity
    ) -> ShownImage {
        precondition(map.columns > 0 && map.rows > 0 && map.values.count == map.columns * map.rows, "a value for each patch")
        let picture = evidence.picture
        precondition(picture.samples.count == picture.width * picture.height * picture.channels, "samples of the picture's shape")
        let longer = max(picture.width, picture.height, 1)
        let factor = longer < lowestSide ? (lowestSide + longer - 1) / longer : 1
        var result = enlarged(picture, by: factor)
        let columns = Axis(from: result.width, imageSide: evidence.imageWidth, start: map.area.x, side: map.area.width, count: map.columns)
        let rows = Axis(from: result.height, imageSide: evidence.imageHeight, start: map.area.y, side: map.area.height, count: map.rows)
        lay(weights(of: map), map.columns, columns, rows, opacity: min(max(opacity, 0), 256), over: &result)
        for region in regions { outline(region.box, evidence, in: &result) }
        return result
    }

    /// 0 ... 4096 for each patch.
    private static func weights(of map: LocationMap) -> [Int] {
        var sum = 0.0
        for value in map.values { sum += abs(Double(value)) }
        guard sum > 0, sum.isFinite else { return [Int](repeating: 0, count: map.values.count) }
        let even = sum / Double(map.values.count)
        let factor = 4096 / (even * Double(fullConcentration - 1))
        return map.values.map { Double($0) > even ? Int(min((Double($0) - even) * factor, 4096)) : 0 }
    }

    private static func lay(
        _ weights: [Int], _ columnCount: Int, _ columns: Axis, _ rows: Axis, opacity: Int, over result: inout ShownImage
    ) {
        let colours = ColourScale.table()
        var line = [Int](repeating: 0, count: columnCount)
        for y in rows.inside {
            let (low, part) = rows.places[y]
            let next = min(low + 1, rows.count - 1)
            // 0 ... 4096 * 256.
            for column in 0..<columnCount { line[column] = weights[low * columnCount + column] * (256 - part) + weights[next * columnCount + column] * part }
            for x in columns.inside {
                let (left, part) = columns.places[x]
                let weight = (line[left] * (256 - part) + line[min(left + 1, columnCount - 1)] * part) >> 20
                // A weak colour hides little: from a third of the scale on a colour hides as much as any.
                let alpha = (min(weight * 3, 256) * opacity) >> 8
                guard alpha > 0 else { continue }
                let start = (y * result.width + x) * 3
                let (red, green, blue) = (Int(result.samples[start]), Int(result.samples[start + 1]), Int(result.samples[start + 2]))
                // ITU-R BT.601, in 256ths. Under a colour of the map the picture loses its own, which could be taken for one of the map's.
                let grey = (red * 77 + green * 150 + blue * 29 + 128) >> 8
                let faded = min(alpha * 4, 256)
                for (channel, own) in [red, green, blue].enumerated() {
                    let below = (own * (256 - faded) + grey * faded) >> 8
                    result.samples[start + channel] = UInt8((below * (256 - alpha) + colours[weight * 3 + channel] * alpha + 128) >> 8)
                }
            }
        }
    }

    /// A white line inside a black one, within the picture.
    private static func outline(_ box: PixelRectangle, _ evidence: Evidence, in result: inout ShownImage) {
        let width = max(max(result.width, result.height) / 340, 1)
        func scaled(_ place: Int, _ side: Int, _ imageSide: Int) -> Int { min(max(place * side / imageSide, 0), side) }
        let left = scaled(box.x, result.width, evidence.imageWidth), right = scaled(box.x + box.width, result.width, evidence.imageWidth)
        let top = scaled(box.y, result.height, evidence.imageHeight), bottom = scaled(box.y + box.height, result.height, evidence.imageHeight)
        for (inset, value) in [(0, UInt8(0)), (1, 255), (2, 0)] {
            let (x0, x1, y0, y1) = (left + inset * width, right - inset * width, top + inset * width, bottom - inset * width)
            fill(x0..<max(x1, x0), y0..<min(y0 + width, max(y1, y0)), value, in: &result)
            fill(x0..<max(x1, x0), max(y1 - width, y0)..<max(y1, y0), value, in: &result)
            fill(x0..<min(x0 + width, max(x1, x0)), y0..<max(y1, y0), value, in: &result)
            fill(max(x1 - width, x0)..<max(x1, x0), y0..<max(y1, y0), value, in: &result)
        }
    }

    private static func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ value: UInt8, in result: inout ShownImage) {
        for y in rows.clamped(to: 0..<result.height) {
            for x in columns.clamped(to: 0..<result.width) {
                for channel in 0..<3 { result.samples[(y * result.width + x) * 3 + channel] = value }
            }
        }
    }

    /// Three channels, each side `factor` times as long; between the centres of pixels in equal steps.
    private static func enlarged(_ picture: ShownImage, by factor: Int) -> ShownImage {
        let (width, height) = (picture.width * factor, picture.height * factor)
        let columns = Axis(from: width, imageSide: picture.width, start: 0, side: picture.width, count: picture.width)
        let rows = Axis(from: height, imageSide: picture.height, start: 0, side: picture.height, count: picture.height)
        var samples: [UInt8] = []
        samples.reserveCapacity(width * height * 3)
        let channels = picture.channels
        for y in 0..<height {
            let (top, down) = rows.places[y]
            let first = top * picture.width, second = min(top + 1, picture.height - 1) * picture.width
            for x in 0..<width {
                let (left, across) = columns.places[x]
                let right = min(left + 1, picture.width - 1)
                for channel in 0..<3 {
                    let sample = channels == 3 ? channel : 0
                    func value(_ row: Int, _ column: Int) -> Int { Int(picture.samples[(row + column) * channels + sample]) }
                    guard factor > 1 else {
                        samples.append(UInt8(value(first, left)))
                        continue
                    }
                    let above = value(first, left) * (256 - across) + value(first, right) * across
                    let below = value(second, left) * (256 - across) + value(second, right) * across
                    samples.append(UInt8((above * (256 - down) + below * down + (1 << 15)) >> 16))
                }
            }
        }
        return ShownImage(width: width, height: height, channels: 3, samples: samples)
    }
}

/// Where the pixels of a side lie between the centres of equal parts.
private struct Axis {
    /// The part at or before a pixel's centre, and how far the centre is on its way to the next, of 256.
    var places: [(low: Int, part: Int)] = []
    /// Pixels whose centre lies within the parts.
    var inside: Range<Int>
    /// Parts.
    var count: Int

    /// Pixels of a side over an image side of which `side` pixels from `start` on are divided into `count` parts.
    init(from pixelCount: Int, imageSide: Int, start: Int, side: Int, count: Int) {
        self.count = count
        places.reserveCapacity(pixelCount)
        var (first, end) = (pixelCount, 0)
        for pixel in 0..<pixelCount {
            let place = (Double(pixel) + 0.5) * Double(imageSide) / Double(max(pixelCount, 1)) - Double(start)
            if place >= 0, place < Double(side) {
                first = min(first, pixel)
                end = pixel + 1
            }
            let part = min(max(place * Double(count) / Double(max(side, 1)) - 0.5, 0), Double(count - 1))
            places.append((Int(part), Int((part - part.rounded(.down)) * 256)))
        }
        inside = min(first, end)..<end
    }
}
