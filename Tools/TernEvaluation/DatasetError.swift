public import TernBytes
public import TernImage

/// Why labelled images could not be read. `entry` is the name of a file inside the archive.
public enum DatasetError: Error, Equatable, Sendable {
    /// The file has no end-of-central-directory record.
    case notAZipFile
    /// The archive is spread over several files, or its directory lies outside the file.
    case directory(ReadError?)
    /// More entries than `limit`.
    case tooManyEntries(count: Int, limit: Int)
    /// Two entries have one name: which one is meant cannot be said.
    case duplicateEntry(entry: String)
    /// The local header or the data of an entry lies outside the file or belongs to another entry.
    case entryOutsideTheFile(entry: String)
    case encrypted(entry: String)
    /// Compressed by something else than deflate (8) or nothing (0).
    case method(entry: String, method: Int)
    /// The entry says it unpacks to more than `limit` bytes.
    case tooManyBytes(entry: String, byteCount: Int, limit: Int)
    /// `stored` bytes of deflate cannot unpack to `byteCount`.
    case moreThanDeflateHolds(entry: String, byteCount: Int, stored: Int)
    /// The deflate stream is damaged or does not end where the entry does.
    case damaged(entry: String)
    /// The bytes do not have the checksum of the directory.
    case checksum(entry: String)
    /// The machine has no memory for the array.
    case outOfMemory(entry: String, byteCount: Int)
    /// The archive has no array of this name.
    case noArray(entry: String, splits: [String])
    /// The entry does not begin as a .npy file.
    case notAnArray(entry: String)
    /// A version of the .npy format other than 1, 2 and 3.
    case arrayVersion(entry: String, major: Int, minor: Int)
    /// The header is not the dictionary that the .npy format asks for, at this byte of it.
    case arrayHeader(entry: String, offset: Int)
    /// Elements of a type that is not read here.
    case elementType(entry: String, found: String, wanted: String)
    /// The array is stored by columns.
    case fortranOrder(entry: String)
    case shape(entry: String, found: [Int], wanted: String)
    /// The data has another byte count than its shape.
    case dataByteCount(entry: String, expected: Int, found: Int)
    /// The images are past the limits of `ImageLimits`.
    case imageShape(entry: String, ImageLimitError)
    /// A split of more images than `limit`.
    case tooManyCases(entry: String, count: Int, limit: Int)
    case countsDiffer(images: Int, labels: Int)
    case labelOutOfRange(entry: String, index: Int, value: Int, classCount: Int)
    /// An archive, or a folder with splits, was given and no --split.
    case splitNeeded(splits: [String])
    case unknownSplit(name: String, splits: [String])
    /// A line of a labels.csv, counted from 1.
    case table(path: String, line: Int, TableRule)
    /// A folder that is neither a label's name nor an output's index.
    case unknownFolder(path: String, labels: [String])
    case noImages(place: String)
    /// A map or an output of another method that is infinite or not a number.
    case notFinite(entry: String)

    /// What a line of labels.csv must be.
    public enum TableRule: Equatable, Sendable {
        case head
        case notUTF8
        case fieldCount(expected: Int, found: Int)
        case openQuote
        case unknownLabel(name: String, labels: [String])
        /// A split is asked for and there is no column for it.
        case noSplitColumn
    }
}

extension DatasetError {
    /// One line for a person, with what to do where that helps.
    public var message: String {
        switch self {
        case .notAZipFile: "not an .npz file: it has no zip directory at its end"
        case .directory: "the zip directory is damaged, or the archive is spread over several files"
        case .tooManyEntries(let count, let limit): "the archive has \(count) entries, more than \(limit)"
        case .duplicateEntry(let entry): "the archive has two entries named \(entry)"
        case .entryOutsideTheFile(let entry): "\(entry): its data lies outside the file; the archive is damaged or cut short"
        case .encrypted(let entry): "\(entry) is encrypted"
        case .method(let entry, let method):
            "\(entry) is compressed by method \(method); only stored and deflated entries are read (numpy.savez, savez_compressed)"
        case .tooManyBytes(let entry, let byteCount, let limit): "\(entry) unpacks to \(byteCount) bytes, more than the limit of \(limit)"
        case .moreThanDeflateHolds(let entry, let byteCount, let stored):
            "\(entry) says that \(stored) bytes unpack to \(byteCount), more than deflate can hold"
        case .damaged(let entry): "\(entry): the compressed data is damaged"
        case .checksum(let entry): "\(entry): the checksum is wrong; the archive is damaged"
        case .outOfMemory(let entry, let byteCount): "\(entry): no memory for its \(byteCount) bytes"
        case .noArray(let entry, let splits): "the archive has no array \(entry); " + DatasetError.listed("splits", splits)
        case .notAnArray(let entry): "\(entry) is not a .npy file"
        case .arrayVersion(let entry, let major, let minor):
            "\(entry): version \(major).\(minor) of the .npy format is not read (1.0, 2.0 and 3.0 are)"
        case .arrayHeader(let entry, let offset): "\(entry): the .npy header is damaged at byte \(offset)"
        case .elementType(let entry, let found, let wanted): "\(entry) has elements \"\(found)\"; \(wanted) are needed"
        case .fortranOrder(let entry): "\(entry) is stored by columns; save numpy.ascontiguousarray of it"
        case .shape(let entry, let found, let wanted): "\(entry) has the shape \(found); \(wanted) is needed"
        case .dataByteCount(let entry, let expected, let found): "\(entry) holds \(found) bytes of data where its shape needs \(expected)"
        case .imageShape(let entry, let error): "\(entry): \(DatasetError.words(error))"
        case .tooManyCases(let entry, let count, let limit): "\(entry) has \(count) cases, more than the limit of \(limit)"
        case .countsDiffer(let images, let labels): "\(images) images and \(labels) labels: the arrays do not belong together"
        case .labelOutOfRange(let entry, let index, let value, let classCount):
            "\(entry)[\(index)] is \(value); the model has the classes 0 to \(classCount - 1)"
        case .splitNeeded(let splits): "name the part to evaluate with --split; " + DatasetError.listed("there are", splits)
        case .unknownSplit(let name, let splits): "there is no split \"\(name)\"; " + DatasetError.listed("there are", splits)
        case .table(let path, let line, let rule): "\(path), line \(line): \(rule.message)"
        case .unknownFolder(let path, let labels):
            "\(path) is neither a label of the model nor the index of an output; " + DatasetError.listed("labels:", labels)
        case .noImages(let place): "no image in \(place)"
        case .notFinite(let entry): "\(entry) holds a value that is infinite or not a number"
        }
    }

    private static func listed(_ what: String, _ names: [String]) -> String {
        names.isEmpty ? "\(what) none" : "\(what) \(names.prefix(20).joined(separator: ", "))"
    }

    private static func words(_ error: ImageLimitError) -> String {
        switch error {
        case .emptySide(let width, let height): "images of \(width) x \(height) pixels"
        case .sideTooLong(let width, let height, let limit): "images of \(width) x \(height) pixels; a side may have \(limit)"
        case .tooManyBytes(_, _, let byteCount, let limit): "an image takes \(byteCount) bytes, more than \(limit)"
        }
    }
}

extension DatasetError.TableRule {
    /// One line for a person.
    public var message: String {
        switch self {
        case .head: "the first line must be file,label or file,label,split"
        case .notUTF8: "the text is not UTF-8"
        case .fieldCount(let expected, let found): "\(found) fields where the head has \(expected)"
        case .openQuote: "a quote is not closed"
        case .unknownLabel(let name, let labels):
            "\"\(name)\" is neither an output of the model nor one of its labels (\(labels.joined(separator: ", ")))"
        case .noSplitColumn: "the table has no column split and the folder no folder of that name; leave --split out or add the column"
        }
    }
}
