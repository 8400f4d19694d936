import TernBytes

/// A record or section whose extent lies inside the file, with what its errors say about it.
struct RecordReader: ~Escapable {
    let bytes: RawSpan
    /// Of `bytes` in the file.
    let fileOffset: Int
    let place: ModelFileError.Place

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan, fileOffset: Int, place: ModelFileError.Place) {
        self.bytes = bytes
        self.fileOffset = fileOffset
        self.place = place
    }

    func uint8(_ offset: Int) -> UInt8 { bytes.uint8(at: offset) }
    func uint32(_ offset: Int) -> UInt32 { bytes.uint32LE(at: offset) }
    func uint64(_ offset: Int) -> UInt64 { bytes.uint64LE(at: offset) }
    func float(_ offset: Int) -> Float { bytes.floatLE(at: offset) }

    /// A 64-bit offset or byte count; F-06 when it does not fit in 63 bits.
    func size(_ offset: Int) throws(ModelFileError) -> Int {
        guard let value = Int(exactly: uint64(offset)) else { throw .sizeOverflow(place) }
        return value
    }

    /// F-05: the bytes are zero.
    func checkZero(_ range: Range<Int>) throws(ModelFileError) {
        if let offset = bytes.extracting(range).firstNonZeroOffset {
            throw .notZero(place, byteOffset: fileOffset + range.lowerBound + offset)
        }
    }

    /// F-05: printable ASCII (32 ... 126), then at least one zero, then zeros to the end of the field.
    func text(_ range: Range<Int>, mayBeEmpty: Bool = false) throws(ModelFileError) -> String {
        var characters: [UInt8] = []
        for offset in range {
            let byte = uint8(offset)
            if byte == 0 { break }
            guard byte >= 32, byte <= 126 else { throw .badText(place, byteOffset: fileOffset + offset) }
            characters.append(byte)
        }
        let end = range.lowerBound + characters.count
        guard end < range.upperBound, mayBeEmpty || !characters.isEmpty else { throw .badText(place, byteOffset: fileOffset + end) }
        if let offset = bytes.extracting(end..<range.upperBound).firstNonZeroOffset {
            throw .badText(place, byteOffset: fileOffset + end + offset)
        }
        return String(decoding: characters, as: UTF8.self)
    }
}
