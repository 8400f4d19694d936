import TernBytes

/// An array of a .npy file: its description and where its data lies in the bytes of the file.
///
/// - Source: NumPy's format description NEP 1, versions 1.0 to 3.0.
public struct NumpyArray: Equatable, Sendable {
    /// Type of the elements as the file writes it, for example `|u1` or `<i8`.
    public let elementType: String
    public let isColumnMajor: Bool
    public let shape: [Int]
    /// Where the data begins.
    public let dataOffset: Int

    /// Largest header that is read; NumPy itself stops at 10,000 bytes by default.
    public static let limitHeaderByteCount = 65_535
    /// Most dimensions of an array, NumPy's own limit.
    public static let limitRank = 64

    /// Reads the header of a .npy file.
    ///
    /// - Throws: `DatasetError`, naming `entry`.
    public init(parsing bytes: [UInt8], entry: String) throws(DatasetError) {
        // \x93NUMPY
        guard bytes.count >= 10, Array(bytes[0..<6]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] else { throw .notAnArray(entry: entry) }
        let (major, minor) = (Int(bytes[6]), Int(bytes[7]))
        guard (1...3).contains(major), minor == 0 else { throw .arrayVersion(entry: entry, major: major, minor: minor) }
        let countWidth = major == 1 ? 2 : 4
        guard bytes.count >= 8 + countWidth else { throw .arrayHeader(entry: entry, offset: bytes.count) }
        var byteCount = 0
        for index in 0..<countWidth { byteCount |= Int(bytes[8 + index]) << (8 * index) }
        let start = 8 + countWidth
        guard byteCount <= NumpyArray.limitHeaderByteCount, byteCount <= bytes.count - start else {
            throw .arrayHeader(entry: entry, offset: start)
        }
        var parser = HeaderParser(bytes: bytes[start..<(start + byteCount)])
        guard let header = parser.header() else { throw .arrayHeader(entry: entry, offset: parser.position) }
        (elementType, isColumnMajor, shape) = header
        dataOffset = start + byteCount
    }

    /// The product of the dimensions times the bytes of an element; nil when that does not fit.
    func byteCount(ofElement elementByteCount: Int) -> Int? {
        var product = elementByteCount
        for dimension in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    /// Checks order and byte count of the data against the shape.
    func checkData(of bytes: [UInt8], elementByteCount: Int, entry: String) throws(DatasetError) {
        guard !isColumnMajor || shape.count < 2 else { throw .fortranOrder(entry: entry) }
        let found = bytes.count - dataOffset
        let expected = byteCount(ofElement: elementByteCount)
        guard expected == found else { throw .dataByteCount(entry: entry, expected: expected ?? .max, found: found) }
    }

    /// The elements as integers; nil for a type that is no integer of at most eight bytes.
    func integers(of bytes: [UInt8], entry: String) throws(DatasetError) -> [Int] {
        let wanted = "integers (uint8, int64, …)"
        let marks = Array(elementType.utf8)
        guard marks.count == 3, "<>|=".utf8.contains(marks[0]), "uib".utf8.contains(marks[1]), let width = Int(String(elementType.dropFirst(2))),
            [1, 2, 4, 8].contains(width)
        else { throw .elementType(entry: entry, found: elementType, wanted: wanted) }
        try checkData(of: bytes, elementByteCount: width, entry: entry)
        let isBigEndian = marks[0] == UInt8(ascii: ">")
        let isSigned = marks[1] == UInt8(ascii: "i")
        return stride(from: dataOffset, to: bytes.count, by: width).map { start in
            var value: UInt64 = 0
            for index in 0..<width { value |= UInt64(bytes[start + (isBigEndian ? width - 1 - index : index)]) << UInt64(8 * index) }
            let unused = UInt64(64 - 8 * width)
            return isSigned ? Int(Int64(bitPattern: value << unused) >> Int64(unused)) : Int(clamping: value)
        }
    }
}

/// Reads the dictionary of a .npy header: three keys, each once, with a string, a truth value and a tuple of counts.
private struct HeaderParser {
    let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    mutating func header() -> (type: String, isColumnMajor: Bool, shape: [Int])? {
        var type: String?
        var isColumnMajor: Bool?
        var shape: [Int]?
        guard take("{") else { return nil }
        while !take("}") {
            guard let key = string(), take(":") else { return nil }
            switch key {
            case "descr" where type == nil:
                guard let value = string() else { return nil }
                type = value
            case "fortran_order" where isColumnMajor == nil:
                if word("True") { isColumnMajor = true } else if word("False") { isColumnMajor = false } else { return nil }
            case "shape" where shape == nil:
                guard let value = tuple() else { return nil }
                shape = value
            default: return nil
            }
            guard take(",") || peek("}") else { return nil }
        }
        skipSpace()
        guard position == bytes.endIndex, let type, let isColumnMajor, let shape else { return nil }
        return (type, isColumnMajor, shape)
    }

    private mutating func skipSpace() {
        while position < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private mutating func peek(_ mark: Unicode.Scalar) -> Bool {
        skipSpace()
        return position < bytes.endIndex && bytes[position] == UInt8(ascii: mark)
    }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard peek(mark) else { return false }
        position += 1
        return true
    }

    private mutating func word(_ text: String) -> Bool {
        skipSpace()
        guard bytes[position...].starts(with: text.utf8) else { return false }
        position += text.utf8.count
        return true
    }

    /// A string in single or double quotes without escapes.
    private mutating func string() -> String? {
        for quote: Unicode.Scalar in ["'", "\""] where take(quote) {
            let start = position
            while position < bytes.endIndex, bytes[position] != UInt8(ascii: quote) {
                guard bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20 else { return nil }
                position += 1
            }
            guard take(quote) else { return nil }
            return String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
        }
        return nil
    }

    /// `()`, `(3,)`, `(3, 4)`.
    private mutating func tuple() -> [Int]? {
        guard take("(") else { return nil }
        var values: [Int] = []
        while !take(")") {
            guard values.count < NumpyArray.limitRank, let value = integer() else { return nil }
            values.append(value)
            guard take(",") || peek(")") else { return nil }
        }
        return values
    }

    private mutating func integer() -> Int? {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[position] - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
            position += 1
        }
        // Python 2 wrote long integers with an L.
        if position > start, position < bytes.endIndex, bytes[position] == UInt8(ascii: "L") { position += 1 }
        return position > start ? value : nil
    }
}
