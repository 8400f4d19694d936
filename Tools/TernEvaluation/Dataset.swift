import Foundation
import TernBytes
public import TernImage
public import TernModel
import TernPlatform

/// Images with their true classes.
public struct Dataset: Sendable {
    /// Where the pixels of a case are.
    public enum Source: Equatable, Sendable {
        /// A path that can be opened.
        case file(String)
        /// A position in `images`.
        case array(Int)
    }
    /// One image with its true class.
    public struct Case: Equatable, Sendable {
        /// The file relative to the folder, or the array, which all cases of an archive share.
        var place: String
        /// Class index, 0 ..< the model's number of classes.
        public var truth: Int
        public var source: Source

        /// What reports call it: the file relative to the folder, or the array with the position.
        public var name: String {
            switch source {
            case .file: place
            case .array(let index): "\(place)[\(index)]"
            }
        }
    }
    /// Most cases of one split of an archive: ten times the images of the largest public sets.
    public static let limitCases = 2_000_000
    public var cases: [Case]
    /// The pixels of an archive's images; nil for a folder.
    public var images: ImageArray?
    /// What was read, for the head of a report: the last component of the path and the split.
    public var title: String

    /// Reads a folder, or an .npz file, as `tern eval --data` takes it.
    ///
    /// - Parameter split: the part to take; an archive always needs one.
    /// - Throws: `DatasetError`, or `PlatformError` for a file that cannot be opened.
    public init(path: String, split: String?, classes: ClassNames) throws {
        let title = URL(fileURLWithPath: path).lastPathComponent + (split.map { ", \($0)" } ?? "")
        guard isFolder(path) else {
            try self.init(reading: try ZipArchive(validating: try MappedFile(path: path)), title: title, split: split, classCount: classes.count)
            return
        }
        self.init(cases: try FolderReader(folder: path, classes: classes).cases(split: split), images: nil, title: title)
    }

    init(cases: [Case], images: ImageArray?, title: String) {
        self.cases = cases
        self.images = images
        self.title = title
    }

    /// Reads one split of an archive with `SPLIT_images` and `SPLIT_labels`, as MedMNIST writes them.
    ///
    /// - Shapes: images uint8 [N, H, W], [N, H, W, 1] or [N, H, W, 3]; labels integers [N] or [N, 1].
    /// - Throws: `DatasetError`.
    public init(reading archive: ZipArchive, title: String, split: String?, classCount: Int) throws(DatasetError) {
        let suffix = "_images.npy"
        let splits = archive.names.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) }
        guard let split else { throw .splitNeeded(splits: splits) }
        guard splits.contains(split) else { throw .unknownSplit(name: split, splits: splits) }
        let labelEntry = split + "_labels.npy"
        // Eight bytes a label and the header.
        let limitLabelByteCount = 8 * Dataset.limitCases + NumpyArray.limitHeaderByteCount + 12
        guard let labelBytes = try archive.contents(of: labelEntry, limit: limitLabelByteCount) else { throw .noArray(entry: labelEntry, splits: splits) }
        let labelArray = try NumpyArray(parsing: labelBytes, entry: labelEntry)
        guard labelArray.shape.count == 1 || (labelArray.shape.count == 2 && labelArray.shape[1] == 1) else {
            throw .shape(entry: labelEntry, found: labelArray.shape, wanted: "[N] or [N, 1], one class an image,")
        }
        let count = labelArray.shape[0]
        guard count <= Dataset.limitCases else { throw .tooManyCases(entry: labelEntry, count: count, limit: Dataset.limitCases) }
        guard let imageBytes = try archive.contents(of: split + suffix) else { throw .noArray(entry: split + suffix, splits: splits) }
        let images = try ImageArray(parsing: imageBytes, entry: split + suffix)
        guard images.count == count else { throw .countsDiffer(images: images.count, labels: count) }
        guard count > 0 else { throw .noImages(place: split + suffix) }
        let labels = try labelArray.integers(of: labelBytes, entry: labelEntry)
        let place = split + "_images"
        var cases: [Case] = []
        cases.reserveCapacity(count)
        for (index, label) in labels.enumerated() {
            guard (0..<classCount).contains(label) else {
                throw .labelOutOfRange(entry: labelEntry, index: index, value: label, classCount: classCount)
            }
            cases.append(Case(place: place, truth: label, source: .array(index)))
        }
        self.init(cases: cases, images: images, title: title)
    }
}

/// Grey or RGB images of one shape.
public struct ImageArray: Sendable {
    public let count: Int
    public let height: Int
    public let width: Int
    /// 1 grey or 3 RGB.
    public let channels: Int
    private let bytes: [UInt8]
    private let dataOffset: Int

    /// - Shapes: uint8 [N, H, W], [N, H, W, 1] or [N, H, W, 3], row-major.
    /// - Throws: `DatasetError`, naming `entry`.
    init(parsing bytes: [UInt8], entry: String) throws(DatasetError) {
        let array = try NumpyArray(parsing: bytes, entry: entry)
        guard ["|u1", "<u1", ">u1", "=u1"].contains(array.elementType) else {
            throw .elementType(entry: entry, found: array.elementType, wanted: "uint8 pixels")
        }
        let shape = array.shape
        guard shape.count == 3 || (shape.count == 4 && (shape[3] == 1 || shape[3] == 3)) else {
            throw .shape(entry: entry, found: shape, wanted: "[N, H, W] or [N, H, W, 3]")
        }
        (count, height, width, channels) = (shape[0], shape[1], shape[2], shape.count == 4 ? shape[3] : 1)
        do throws(ImageLimitError) {
            _ = try ImageLimits.sampleCount(width: width, height: height, channels: channels, bytesPerSample: 1)
        } catch {
            throw .imageShape(entry: entry, error)
        }
        try array.checkData(of: bytes, elementByteCount: 1, entry: entry)
        self.bytes = bytes
        dataOffset = array.dataOffset
    }

    /// The image at a position, as a PNG file of the same pixels decodes.
    ///
    /// - Precondition: 0 <= index < count.
    public func image(at index: Int) -> DecodedImage {
        precondition((0..<count).contains(index), "an image of the array")
        let sampleCount = width * height * channels
        let start = dataOffset + index * sampleCount
        return DecodedImage(
            width: width, height: height, channels: channels, bitsStored: 8, samples: .uint8(Array(bytes[start..<(start + sampleCount)])),
            greyscale: nil)
    }
}

/// The classes of a model: one for each output, or two for a single output.
public struct ClassNames: Equatable, Sendable {
    /// A name for each class; the index where the model has none.
    public let names: [String]
    private let indexByName: [String: Int]

    public init(outputCount: Int, labels: [Label]) {
        var names = (0..<max(outputCount, 2)).map { "class \($0)" }
        var indices: [String: Int] = [:]
        for label in labels {
            let index = outputCount == 1 ? 1 : label.outputIndex
            guard names.indices.contains(index) else { continue }
            names[index] = label.name
            indices[label.name] = index
            if outputCount == 1 { names[0] = "not \(label.name)" }
        }
        self.names = names
        indexByName = indices
    }

    public var count: Int { names.count }

    /// The class of a name or of the digits of an index; nil for neither. A name counts before an index.
    public func index(of text: String) -> Int? {
        indexByName[text] ?? Int(text).flatMap { names.indices.contains($0) ? $0 : nil }
    }
}

func isFolder(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path + "/.") }
