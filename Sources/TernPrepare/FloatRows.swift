import TernImage

/// Rows of an image as grey or colour values 0 ... 255, looked up in a table.
struct FloatRows {
    private let image: DecodedImage
    private let table: [Float]
    private let crop: Crop
    private let mask: UInt16

    init(image: DecodedImage, table: [Float], crop: Crop) {
        self.image = image
        self.table = table
        self.crop = crop
        // bitsStored is 1 ... 16.
        mask = UInt16.max >> UInt16(16 - image.bitsStored)
    }

    /// Writes one channel of row `y` of the crop, eight values an element.
    func fillRow(_ y: Int, channel: Int, _ row: inout [SIMD8<Double>]) {
        let start = ((crop.y + y) * image.width + crop.x) * image.channels + channel
        switch image.samples {
        case .uint8(let samples): fill(&row) { x in UInt16(samples[start + x * image.channels]) }
        case .uint16(let samples): fill(&row) { x in samples[start + x * image.channels] }
        case .int16(let samples): fill(&row) { x in UInt16(bitPattern: samples[start + x * image.channels]) }
        case .uint32, .int32, .real: preconditionFailure("a table has 2^16 entries at most")
        }
    }

    /// Writes row `y` of the crop of a colour image as luminance with the weights of the 8-bit way.
    func fillLuminanceRow(_ y: Int, _ row: inout [SIMD8<Double>]) {
        var plane = row
        let weights = [19_595.0 / 65_536, 38_470.0 / 65_536, 7_471.0 / 65_536]
        for channel in 0..<3 {
            fillRow(y, channel: channel, &plane)
            for group in row.indices {
                row[group] = channel == 0 ? plane[group] * weights[0] : row[group] + plane[group] * weights[channel]
            }
        }
    }

    @inline(__always)
    private func fill(_ row: inout [SIMD8<Double>], _ stored: (Int) -> UInt16) {
        let whole = crop.width / 8
        for group in 0..<whole {
            var lanes = SIMD8<Double>()
            for lane in 0..<8 { lanes[lane] = Double(table[Int(stored(group * 8 + lane) & mask)]) }
            row[group] = lanes
        }
        for x in (whole * 8)..<crop.width { row[whole][x % 8] = Double(table[Int(stored(x) & mask)]) }
    }
}
