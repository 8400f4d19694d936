import TernBytes
import TernImage

/// The facts of a code stream's headers (ISO/IEC 15444-1 annex A) that bound what decoding it costs.
struct CodeStream {
    enum Marker {
        static let start: UInt16 = 0xFF4F
        static let capabilities: UInt16 = 0xFF50
        static let shape: UInt16 = 0xFF51
        static let codingStyle: UInt16 = 0xFF52
        static let codingStyleOfComponent: UInt16 = 0xFF53
        static let tilePart: UInt16 = 0xFF90
        static let startOfData: UInt16 = 0xFF93
        static let end: UInt16 = 0xFFD9
    }
    private(set) var shape: CodeStreamShape
    /// Bytes up to and with the end of code stream.
    private(set) var byteCount = 0

    /// Reads every marker segment of `bytes`, which begin with the code stream; what lies behind its end is not looked at.
    init(parsing bytes: RawSpan) throws(JPEG2000Error) {
        var cursor = SegmentCursor(offset: 0)
        guard try cursor.readMarker(bytes) == Marker.start else { throw .notAJPEG2000File }
        let shapeOffset = cursor.offset
        guard try cursor.readMarker(bytes) == Marker.shape else {
            throw .unexpectedMarker(code: bytes.uint16BE(at: shapeOffset), offset: shapeOffset)
        }
        shape = try CodeStreamShape(parsing: try cursor.readSegment(Marker.shape, bytes), offset: shapeOffset, streamByteCount: bytes.byteCount)
        let styles = try readMainHeader(&cursor, bytes)
        try readTileParts(&cursor, styles, bytes)
        byteCount = cursor.offset
    }

    /// Reads up to the first tile-part and leaves the cursor at its marker.
    private func readMainHeader(_ cursor: inout SegmentCursor, _ bytes: RawSpan) throws(JPEG2000Error) -> CodingStyles {
        var styles = CodingStyles(components: shape.components)
        while true {
            let start = cursor.offset
            let code = try cursor.readMarker(bytes)
            if code == Marker.tilePart {
                cursor.offset = start
                guard styles.isComplete else { throw .unexpectedMarker(code: code, offset: start) }
                return styles
            }
            try refuse(code, at: start, inTile: false)
            try styles.read(code, try cursor.readSegment(code, bytes), offset: start)
        }
    }

    /// The markers of table A.2 that may stand there and are read pass: coding style, quantisation, region of interest, lengths, registration, comments.
    private func refuse(_ code: UInt16, at offset: Int, inTile: Bool) throws(JPEG2000Error) {
        switch code {
        case Marker.codingStyle, Marker.codingStyleOfComponent, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF64: return
        case 0xFF55, 0xFF57, 0xFF63: if !inTile { return }
        case 0xFF58: if inTile { return }
        case 0xFF60, 0xFF61: throw .unsupported(.packedHeaders)
        case 0xFF5F: throw .unsupported(.progressionChange)
        case Marker.capabilities, 0xFF56, 0xFF59: throw .unsupported(.highThroughput)
        default: break
        }
        throw .unexpectedMarker(code: code, offset: offset)
    }

    /// Follows the tile-parts to the end of the code stream (A.4.2) and bounds what each tile costs.
    private func readTileParts(_ cursor: inout SegmentCursor, _ styles: CodingStyles, _ bytes: RawSpan) throws(JPEG2000Error) {
        let tileCount = shape.tilesWide * shape.tilesHigh
        var partCounts = [UInt8](repeating: 0, count: tileCount)
        var announced = partCounts
        var bounds = CostBounds(streamByteCount: bytes.byteCount)
        while true {
            let start = cursor.offset
            let code = try cursor.readMarker(bytes)
            if code == Marker.end { break }
            guard code == Marker.tilePart else { throw .unexpectedMarker(code: code, offset: start) }
            let segment = try cursor.readSegment(code, bytes)
            guard segment.byteCount == 8 else { throw .segment(marker: code, offset: start) }
            let tile = Int(segment.uint16BE(at: 0))
            let declared = Int(segment.uint32BE(at: 2))
            guard tile < tileCount, segment.uint8(at: 6) == partCounts[tile], partCounts[tile] < 255 else { throw .tilePart(offset: start) }
            announced[tile] = max(announced[tile], segment.uint8(at: 7))
            let tileStyles = try passTileHeader(&cursor, isFirst: partCounts[tile] == 0, styles, bytes)
            if partCounts[tile] == 0 {
                try bounds.add(shape, column: tile % shape.tilesWide, row: tile / shape.tilesWide, tileStyles)
            }
            partCounts[tile] += 1
            if declared == 0 {
                // The last tile-part reaches to the end of code stream, the last marker of its kind.
                cursor.offset = try offsetOfEnd(bytes, from: cursor.offset)
            } else {
                guard declared <= bytes.byteCount - start else { throw .truncated(offset: bytes.byteCount) }
                guard start + declared >= cursor.offset else { throw .tilePart(offset: start) }
                cursor.offset = start + declared
            }
        }
        // More parts than announced are read: old encoders counted one too few.
        for tile in 0..<tileCount where partCounts[tile] == 0 || partCounts[tile] < announced[tile] { throw .missingTile(index: tile) }
    }

    /// The coding styles of a tile: those of the main header unless its first tile-part has its own.
    private func passTileHeader(
        _ cursor: inout SegmentCursor, isFirst: Bool, _ main: CodingStyles, _ bytes: RawSpan
    ) throws(JPEG2000Error) -> CodingStyles {
        var styles = main
        styles.beginTile()
        while true {
            let start = cursor.offset
            let code = try cursor.readMarker(bytes)
            if code == Marker.startOfData { return styles }
            let isStyle = code == Marker.codingStyle || code == Marker.codingStyleOfComponent
            guard isFirst || !isStyle else { throw .unexpectedMarker(code: code, offset: start) }
            try refuse(code, at: start, inTile: true)
            try styles.read(code, try cursor.readSegment(code, bytes), offset: start)
        }
    }

    /// Packets hold no code above 0xFF8F, so the first 0xFFD9 is the end.
    private func offsetOfEnd(_ bytes: RawSpan, from start: Int) throws(JPEG2000Error) -> Int {
        var offset = start
        while offset + 1 < bytes.byteCount {
            if bytes.uint16BE(at: offset) == Marker.end { return offset }
            offset += 1
        }
        throw .truncated(offset: bytes.byteCount)
    }
}

/// A cursor over marker segments.
struct SegmentCursor {
    var offset: Int

    mutating func readMarker(_ bytes: RawSpan) throws(JPEG2000Error) -> UInt16 {
        guard offset + 2 <= bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let code = bytes.uint16BE(at: offset)
        guard code >= 0xFF01 else { throw .unexpectedMarker(code: code, offset: offset) }
        offset += 2
        return code
    }

    /// The bytes of a segment behind its byte count.
    @_lifetime(copy bytes)
    mutating func readSegment(_ marker: UInt16, _ bytes: RawSpan) throws(JPEG2000Error) -> RawSpan {
        guard offset + 2 <= bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let byteCount = Int(bytes.uint16BE(at: offset))
        guard byteCount >= 2 else { throw .segment(marker: marker, offset: offset - 2) }
        guard offset + byteCount <= bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let segment = bytes.extracting(offset + 2..<offset + byteCount)
        offset += byteCount
        return segment
    }
}

extension RawSpan {
    /// The two bytes at `offset`, most significant first.
    func uint16BE(at offset: Int) -> UInt16 { uint16LE(at: offset).byteSwapped }
    /// The four bytes at `offset`, most significant first.
    func uint32BE(at offset: Int) -> UInt32 { uint32LE(at: offset).byteSwapped }
}
