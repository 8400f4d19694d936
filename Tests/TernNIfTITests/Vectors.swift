import Foundation
import TernBytes
import TernImage
import Testing

@testable import TernNIfTI

/// Golden volumes, read by nibabel.
struct Vectors: Decodable {
    struct Case: Decodable {
        var file: String
        var pair: String?
        var refused: String?
        /// Volumes, slices, rows, columns.
        var shape: [Int]?
        var channels: Int?
        var type: String?
        var samples: String?
        var slope: Double?
        var intercept: Double?
        var storedSpacing: [Double]?
        var unit: Double?
        var window: [Double]?
        var orientation: String?
    }
    struct Turn: Decodable {
        var bytes: String
        var shape: [Int]
        var samples: String
    }
    var cases: [Case]
    var turns: [Turn]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors/TernNIfTI")

    static func read() throws -> Vectors {
        try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: folder.appending(path: "vector.json")))
    }

    static func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: file))) }
}

/// Hexadecimal digits as bytes.
func bytes(hexadecimal text: String) -> [UInt8] {
    let digits = text.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The file of a case, and the bytes that its frames are read from.
func open(_ item: Vectors.Case) throws -> (file: NIfTIFile, data: [UInt8]) {
    let bytes = try Vectors.bytes(item.file)
    guard let pair = item.pair else { return (try NIfTIFile(parsing: bytes.rawBytes), bytes) }
    let data = try Vectors.bytes(pair)
    return (try NIfTIFile(pairHeader: bytes.rawBytes, data: data.rawBytes), data)
}

/// The samples as little-endian bytes.
func littleEndianBytes(_ samples: DecodedImage.Samples) -> [UInt8] {
    func bytes<Sample: FixedWidthInteger>(_ values: [Sample]) -> [UInt8] {
        values.flatMap { value in (0..<(Sample.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> Sample(8 * $0)) } }
    }
    return switch samples {
    case .uint8(let values): values
    case .uint16(let values): bytes(values)
    case .int16(let values): bytes(values)
    case .uint32(let values): bytes(values)
    case .int32(let values): bytes(values)
    case .real(let values): bytes(values.map(\.bitPattern))
    }
}

/// The element type's name in NumPy.
func typeName(_ samples: DecodedImage.Samples) -> String {
    switch samples {
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .uint32: "uint32"
    case .int32: "int32"
    case .real: "float32"
    }
}
