import TernBytes

/// Walks over the marker segments of an image and keeps what they define (T.81 annex B).
struct MarkerReader {
    /// The next byte to read.
    var offset = 0
    private var huffmanTables: [HuffmanTable?] = [nil, nil, nil, nil]
    /// Samples of a component between two restart markers; 0 for none.
    private var restartInterval = 0

    private enum Code {
        static let startOfImage: UInt8 = 0xD8
        static let endOfImage: UInt8 = 0xD9
        static let startOfScan: UInt8 = 0xDA
        static let losslessFrame: UInt8 = 0xC3
        static let huffmanTables: UInt8 = 0xC4
        static let restartInterval: UInt8 = 0xDD
    }

    /// Reads from the start of image to the frame header.
    mutating func readFrame(_ bytes: RawSpan) throws(JPEGLosslessError) -> Frame {
        guard bytes.byteCount >= 2, bytes.uint16BE(at: 0) == 0xFF00 | UInt16(Code.startOfImage) else { throw .notAJPEGFile }
        offset = 2
        while true {
            let start = offset
            let code = try readMarker(bytes)
            switch code {
            case Code.losslessFrame:
                let segment = try readSegment(bytes)
                return try Frame(parsing: segment, byteCountOfFile: bytes.byteCount, offset: start)
            // Every other frame header; 0xC8 is JPEG-LS's neighbour JPG, 0xCC the arithmetic tables, 0xF7 the frame of JPEG-LS.
            case 0xC0...0xC2, 0xC5...0xCF, 0xF7: throw .unsupportedProcess(marker: code)
            default: try readCommon(code, start, bytes)
            }
        }
    }

    /// Reads to the next scan header and leaves `offset` at its entropy-coded data; nil at the end of image.
    mutating func readScan(_ bytes: RawSpan, frame: Frame) throws(JPEGLosslessError) -> ScanHeader? {
        while true {
            let start = offset
            let code = try readMarker(bytes)
            switch code {
            case Code.endOfImage: return nil
            case Code.startOfScan:
                let segment = try readSegment(bytes)
                return try ScanHeader(parsing: segment, frame: frame, offset: start)
            case 0xDC: throw .heightUnknown
            default: try readCommon(code, start, bytes)
            }
        }
    }

    /// The table of each component of a scan.
    func tables(of scan: ScanHeader) throws(JPEGLosslessError) -> [HuffmanTable] {
        var tables: [HuffmanTable] = []
        for index in scan.tableIndexes {
            guard index < 4, let table = huffmanTables[index] else { throw .missingHuffmanTable(index: index, offset: offset) }
            tables.append(table)
        }
        return tables
    }

    /// Lines between two restart markers; nil for none.
    func linesPerInterval(width: Int) throws(JPEGLosslessError) -> Int? {
        guard restartInterval > 0 else { return nil }
        guard restartInterval % width == 0 else { throw .restartInterval(restartInterval, sampleCountOfLine: width) }
        return restartInterval / width
    }

    /// Passes over the restart marker `code` at `offset`.
    mutating func passRestart(_ code: UInt8, row: Int, at offset: Int, _ bytes: RawSpan) throws(JPEGLosslessError) {
        self.offset = offset
        guard try readMarker(bytes) == code else { throw .restartMarker(row: row, offset: offset) }
    }

    /// T.81 B.1.1.2: a marker is 0xFF, fill bytes 0xFF, and a code that is neither 0 nor 0xFF.
    private mutating func readMarker(_ bytes: RawSpan) throws(JPEGLosslessError) -> UInt8 {
        guard offset < bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        guard bytes.uint8(at: offset) == 0xFF else { throw .unexpectedMarker(code: bytes.uint8(at: offset), offset: offset) }
        var next = offset + 1
        while next < bytes.byteCount, bytes.uint8(at: next) == 0xFF { next += 1 }
        guard next < bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let code = bytes.uint8(at: next)
        guard code != 0 else { throw .unexpectedMarker(code: 0, offset: next) }
        offset = next + 1
        return code
    }

    /// The bytes of a segment behind its byte count.
    @_lifetime(copy bytes)
    private mutating func readSegment(_ bytes: RawSpan) throws(JPEGLosslessError) -> RawSpan {
        guard offset + 2 <= bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let byteCount = Int(bytes.uint16BE(at: offset))
        guard byteCount >= 2 else { throw .segmentByteCount(marker: 0, offset: offset) }
        guard offset + byteCount <= bytes.byteCount else { throw .truncated(offset: bytes.byteCount) }
        let segment = bytes.extracting(offset + 2..<offset + byteCount)
        offset += byteCount
        return segment
    }

    /// The segments that may stand before a frame or a scan: tables are kept, application data, comments and quantisation passed over.
    private mutating func readCommon(_ code: UInt8, _ start: Int, _ bytes: RawSpan) throws(JPEGLosslessError) {
        switch code {
        case Code.huffmanTables: try readHuffmanTables(try readSegment(bytes), start)
        case Code.restartInterval:
            let segment = try readSegment(bytes)
            guard segment.byteCount == 2 else { throw .segmentByteCount(marker: code, offset: start) }
            restartInterval = Int(segment.uint16BE(at: 0))
        case 0xDB, 0xE0...0xEF, 0xFE: _ = try readSegment(bytes)
        default: throw .unexpectedMarker(code: code, offset: start)
        }
    }

    private mutating func readHuffmanTables(_ segment: RawSpan, _ start: Int) throws(JPEGLosslessError) {
        var position = 0
        repeat {
            guard position < segment.byteCount else { throw .segmentByteCount(marker: Code.huffmanTables, offset: start) }
            // Lossless processes know no AC tables: class 0, index 0 ... 3.
            let index = Int(segment.uint8(at: position))
            guard index < 4 else { throw .huffmanTable(offset: start) }
            position += 1
            do throws(JPEGLosslessError) {
                huffmanTables[index] = try HuffmanTable(parsing: segment, offset: &position, end: segment.byteCount)
            } catch {
                throw error.moved(to: start)
            }
        } while position < segment.byteCount
    }
}

extension JPEGLosslessError {
    /// The error of a table with the offset of its segment in the file.
    fileprivate func moved(to offset: Int) -> JPEGLosslessError {
        switch self {
        case .huffmanTable: .huffmanTable(offset: offset)
        case .segmentByteCount(let marker, _): .segmentByteCount(marker: marker, offset: offset)
        default: self
        }
    }
}
