import Foundation
import TernBytes
import TernPlatform

/// Maps of other methods for the images of a data set, from an .npz archive.
///
/// `outputs` [N, outputs] are what the other implementation computed for the same images: they tell whether the maps belong to these images and this
/// model. Every other array is a method: [N, rows, columns], one map for all outputs, or [N, outputs, rows, columns]. All are float32.
public struct OtherMaps: Sendable {
    /// One method's maps.
    public struct Method: Sendable {
        public let name: String
        fileprivate let perOutput: Bool
        fileprivate let values: [Float]
    }
    public let imageCount: Int
    public let outputCount: Int
    public let patchCount: Int
    /// In the order of the archive.
    public let methods: [Method]
    private let outputs: [Float]

    /// Most methods of one archive.
    public static let limitMethods = 32

    /// - Throws: `DatasetError` or `PlatformError`.
    public init(path: String, imageCount: Int, outputCount: Int, rows: Int, columns: Int) throws {
        try self.init(
            reading: try ZipArchive(validating: try MappedFile(path: path)), imageCount: imageCount, outputCount: outputCount, rows: rows, columns: columns)
    }

    /// - Throws: `DatasetError`.
    init(reading archive: ZipArchive, imageCount: Int, outputCount: Int, rows: Int, columns: Int) throws(DatasetError) {
        let suffix = ".npy"
        let names = archive.names.filter { $0.hasSuffix(suffix) && $0 != "outputs.npy" }
        guard names.count <= OtherMaps.limitMethods else { throw .tooManyEntries(count: names.count, limit: OtherMaps.limitMethods) }
        (self.imageCount, self.outputCount, patchCount) = (imageCount, outputCount, rows * columns)
        outputs = try OtherMaps.floats("outputs.npy", of: archive, shapes: [[imageCount, outputCount]])
        let (one, each) = ([imageCount, rows, columns], [imageCount, outputCount, rows, columns])
        var methods: [Method] = []
        for name in names {
            let values = try OtherMaps.floats(name, of: archive, shapes: [one, each])
            methods.append(
                Method(name: String(name.dropLast(suffix.count)), perOutput: values.count != imageCount * rows * columns || outputCount == 1, values: values))
        }
        self.methods = methods
    }

    /// A method's map of one output of one image.
    public func map(_ method: Method, image: Int, output: Int) -> [Float] {
        let start = (method.perOutput ? image * outputCount + output : image) * patchCount
        return Array(method.values[start..<(start + patchCount)])
    }

    /// What the other implementation computed for an image.
    public func outputs(ofImage index: Int) -> [Float] { Array(outputs[(index * outputCount)..<((index + 1) * outputCount)]) }

    private static func floats(_ entry: String, of archive: ZipArchive, shapes: [[Int]]) throws(DatasetError) -> [Float] {
        let most = shapes.map { $0.reduce(1, *) }.max() ?? 0
        let limit = 4 * most + NumpyArray.limitHeaderByteCount + 12
        guard let bytes = try archive.contents(of: entry, limit: limit) else { throw .noArray(entry: entry, splits: []) }
        let array = try NumpyArray(parsing: bytes, entry: entry)
        guard array.elementType == "<f4" else { throw .elementType(entry: entry, found: array.elementType, wanted: "float32 values (<f4)") }
        guard shapes.contains(array.shape) else {
            throw .shape(entry: entry, found: array.shape, wanted: shapes.map { "\($0)" }.joined(separator: " or "))
        }
        try array.checkData(of: bytes, elementByteCount: 4, entry: entry)
        let values = stride(from: array.dataOffset, to: bytes.count, by: 4).map { offset in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) })
        }
        guard values.allSatisfy(\.isFinite) else { throw .notFinite(entry: entry) }
        return values
    }
}
