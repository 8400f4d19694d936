import TernBytes

/// How the stored rows and columns relate to the upright image; raw values are those of the EXIF tag 0x0112 (CIPA DC-008-2019 4.6.4).
public enum Orientation: UInt16, Equatable, Sendable {
    case upright = 1
    case mirrored = 2
    case rotatedHalf = 3
    case mirroredVertically = 4
    case transposed = 5
    /// The stored image must be turned a quarter clockwise.
    case needsQuarterClockwise = 6
    case transversed = 7
    /// The stored image must be turned a quarter anticlockwise.
    case needsQuarterAnticlockwise = 8

    /// Reads the orientation out of an EXIF block (a TIFF structure, without the `Exif` prefix of JPEG).
    ///
    /// A block that is damaged or has no usable tag 0x0112 means upright, as in Pillow: cameras and editors write many such blocks and
    /// nothing else in them matters here.
    public init(parsingEXIF bytes: RawSpan) {
        var reader = ByteReader(bytes)
        var found = Orientation.upright
        do throws(ReadError) {
            try Orientation.scan(&reader, into: &found)
        } catch {}
        self = found
    }

    private static func scan(_ reader: inout ByteReader, into found: inout Orientation) throws(ReadError) {
        let mark = try reader.readUInt16LE()
        let isLittleEndian = mark == 0x4949
        guard isLittleEndian || mark == 0x4D4D else { return }
        guard try reader.readUInt16(isLittleEndian) == 42 else { return }
        try reader.seek(to: Int(try reader.readUInt32(isLittleEndian)))
        // At most 65,535 entries of 12 bytes: the loop is bounded by the block.
        for _ in 0..<(try reader.readUInt16(isLittleEndian)) {
            let tag = try reader.readUInt16(isLittleEndian)
            let type = try reader.readUInt16(isLittleEndian)
            let count = try reader.readUInt32(isLittleEndian)
            let short = try reader.readUInt16(isLittleEndian)
            _ = try reader.readUInt16(isLittleEndian)
            // TIFF type 3 is SHORT, left-justified in the value field.
            if tag == 0x0112, type == 3, count == 1 { found = Orientation(rawValue: short) ?? .upright }
        }
    }

    /// Whether rows become columns.
    public var swapsSides: Bool { rawValue >= 5 }
}

extension ByteReader {
    @_lifetime(self: copy self)
    fileprivate mutating func readUInt16(_ isLittleEndian: Bool) throws(ReadError) -> UInt16 {
        isLittleEndian ? try readUInt16LE() : try readUInt16BE()
    }
    @_lifetime(self: copy self)
    fileprivate mutating func readUInt32(_ isLittleEndian: Bool) throws(ReadError) -> UInt32 {
        isLittleEndian ? try readUInt32LE() : try readUInt32BE()
    }
}

extension DecodedImage {
    /// Gives the image with `orientation` undone, as Pillow's `ImageOps.exif_transpose` does.
    public func upright(from orientation: Orientation) -> DecodedImage {
        guard orientation != .upright else { return self }
        var result = self
        if orientation.swapsSides { (result.width, result.height) = (height, width) }
        switch samples {
        case .uint8(let values): result.samples = .uint8(rearranged(values, orientation))
        case .uint16(let values): result.samples = .uint16(rearranged(values, orientation))
        case .int16(let values): result.samples = .int16(rearranged(values, orientation))
        case .uint32(let values): result.samples = .uint32(rearranged(values, orientation))
        case .int32(let values): result.samples = .int32(rearranged(values, orientation))
        case .real(let values): result.samples = .real(rearranged(values, orientation))
        }
        return result
    }

    private func rearranged<Sample>(_ values: [Sample], _ orientation: Orientation) -> [Sample] {
        let right = width - 1
        let bottom = height - 1
        let outWidth = orientation.swapsSides ? height : width
        let outHeight = orientation.swapsSides ? width : height
        var result: [Sample] = []
        result.reserveCapacity(values.count)
        for y in 0..<outHeight {
            for x in 0..<outWidth {
                let source: (x: Int, y: Int) =
                    switch orientation {
                    case .upright: (x, y)
                    case .mirrored: (right - x, y)
                    case .rotatedHalf: (right - x, bottom - y)
                    case .mirroredVertically: (x, bottom - y)
                    case .transposed: (y, x)
                    case .needsQuarterClockwise: (y, bottom - x)
                    case .transversed: (right - y, bottom - x)
                    case .needsQuarterAnticlockwise: (right - y, x)
                    }
                let start = (source.y * width + source.x) * channels
                for channel in 0..<channels { result.append(values[start + channel]) }
            }
        }
        return result
    }
}
