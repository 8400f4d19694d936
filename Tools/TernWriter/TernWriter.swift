public import TernModel
public import TernPlatform

/// A tensor of a draft, packed as it will stand in the file.
public struct DraftTensor: Equatable, Sendable {
    /// At most 47 ASCII bytes, unique in the file.
    public var name: String
    public var elementType: ElementType
    public var recipe: QuantisationRecipe
    /// 1 to 4; a weight matrix is [output channels, inputs].
    public var dimensions: [Int]
    /// Binary32 or binary16 values in row-major order, or a weight matrix in `panel64x4`.
    public var bytes: [UInt8]

    /// Takes bytes as they are, for tests and for tensors that come packed.
    public init(name: String, elementType: ElementType, recipe: QuantisationRecipe, dimensions: [Int], bytes: [UInt8]) {
        self.name = name
        self.elementType = elementType
        self.recipe = recipe
        self.dimensions = dimensions
        self.bytes = bytes
    }

    /// An `f32` tensor in row-major order.
    public init(name: String, values: [Float], dimensions: [Int]) {
        self.init(name: name, elementType: .f32, recipe: .none, dimensions: dimensions, bytes: littleEndianBytes(values))
    }

    /// An `f16` tensor in row-major order; only a fill may name it.
    public init(name: String, halves: [Float16], dimensions: [Int]) {
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0.bitPattern), UInt8(truncatingIfNeeded: $0.bitPattern >> 8)] }
        self.init(name: name, elementType: .f16, recipe: .none, dimensions: dimensions, bytes: bytes)
    }

    /// Packs the integer codes of a weight matrix [rows output channels][columns inputs], row-major.
    ///
    /// - Throws: `WriterError` when the count differs or a code cannot be packed as `elementType`.
    public init(
        name: String, codes: [Int8], rows: Int, columns: Int, as elementType: ElementType, recipe: QuantisationRecipe
    ) throws(WriterError) {
        self.init(
            name: name, elementType: elementType, recipe: recipe, dimensions: [rows, columns],
            bytes: try pack(codes: codes, rows: rows, columns: columns, as: elementType))
    }
}

/// A prepared input and the output that every device must compute from it, bit for bit.
public struct GoldenVector: Equatable, Sendable {
    /// [channels, height, width]; empty when the file holds the seed.
    public var input: [Float]
    /// Of an input that the reader generates, Models/FORMAT.md section 6; nil when the file holds the values.
    public var seed: UInt64?
    /// One value for each output of the model.
    public var output: [Float]
    public init(input: [Float], output: [Float]) {
        self.input = input
        self.output = output
    }
    /// A vector whose input is generated.
    public init(seed: UInt64, output: [Float]) {
        input = []
        self.seed = seed
        self.output = output
    }
}

/// Everything that a model file says, in the order of Models/FORMAT.md.
public struct ModelDraft: Equatable, Sendable {
    /// Counts and offsets that the plan relies on.
    public var header: ModelHeader
    /// In the order of the file; operations name them by index.
    public var tensors: [DraftTensor]
    public var operations: [NamedOperation]
    public var recipe: InputRecipe
    public var labels: Labels
    /// UTF-8 JSON.
    public var card: [UInt8]
    /// At least one; all with a seed or all without.
    public var golden: [GoldenVector]
    /// Nil when the file has no such section.
    public var operatingPoints: DraftOperatingPoints?
    public var featureStatistics: DraftFeatureStatistics?
    public var qualityRules: QualityRules?
    public var scoreReference: ScoreReference?
    public var readingRules: ReadingRules?
    public init(
        header: ModelHeader, tensors: [DraftTensor], operations: [NamedOperation], recipe: InputRecipe, labels: Labels, card: [UInt8],
        golden: [GoldenVector], operatingPoints: DraftOperatingPoints? = nil, featureStatistics: DraftFeatureStatistics? = nil,
        qualityRules: QualityRules? = nil, scoreReference: ScoreReference? = nil,
        readingRules: ReadingRules? = nil
    ) {
        self.header = header
        self.tensors = tensors
        self.operations = operations
        self.recipe = recipe
        self.labels = labels
        self.card = card
        self.golden = golden
        self.operatingPoints = operatingPoints
        self.featureStatistics = featureStatistics
        self.qualityRules = qualityRules
        self.scoreReference = scoreReference
        self.readingRules = readingRules
    }
}

/// Why a draft cannot be written.
public enum WriterError: Error, Equatable, Sendable {
    /// A text is not printable ASCII or longer than its field, which keeps one byte for the closing zero.
    case text(String, limitByteCount: Int)
    /// A count of codes or values is not the product of its dimensions.
    case count(tensor: String, expected: Int, actual: Int)
    /// A code cannot be packed: `s8` takes -127 ... 127, `t2` and `t5` take -1 ... 1.
    case code(Int8, index: Int, elementType: ElementType)
    /// `f32` or `f16` is not a packing of integer codes.
    case notPackable(ElementType)
    /// Some golden vectors have a seed and some have values.
    case mixedGoldenVectors
    /// A number does not fit in its field.
    case number(Int)
    /// The reader refuses the file that the draft gives.
    case refused(ModelFileError)
    /// Writing, signing or mapping failed.
    case platform(PlatformError)
}

/// Writes model files, and refuses to write one that the reader would not load.
public enum ModelWriter {
    /// The bytes of an unsigned file, checked by the reader.
    ///
    /// - Throws: `WriterError.refused` with the rule when the draft breaks one.
    public static func bytes(of draft: ModelDraft) throws(WriterError) -> [UInt8] {
        let bytes = try uncheckedBytes(of: draft)
        _ = try check(bytes)
        return bytes
    }

    /// Signs a file in memory; the bytes before offset 3872 stay as they are, so the identity does too.
    ///
    /// - Parameter secretKey: 64 bytes, `Ed25519.KeyPair.secretKey`.
    public static func sign(_ bytes: inout [UInt8], secretKey: [UInt8]) throws(WriterError) {
        _ = try check(bytes)
        let identity = Array(bytes[ModelFormat.identityOffset..<ModelFormat.signatureKindOffset])
        do throws(PlatformError) {
            let signature = try Ed25519.sign(ModelFormat.signedMessage(identity: identity), secretKey: secretKey)
            // The second half of libsodium's secret key is the public key.
            let publicKey = secretKey[Ed25519.seedByteCount...]
            var tail: [UInt8] = [1] + [UInt8](repeating: 0, count: 31)
            tail += publicKey
            tail += signature
            bytes.replaceSubrange(ModelFormat.signatureKindOffset..<(ModelFormat.signatureKindOffset + tail.count), with: tail)
        } catch {
            throw .platform(error)
        }
        _ = try check(bytes)
    }

    /// Replaces the file at `path` whole or not at all.
    public static func write(_ bytes: [UInt8], to path: String) throws(WriterError) {
        do throws(PlatformError) { try writeFileAtomically(path, bytes) } catch { throw .platform(error) }
    }

    /// Loads the bytes as a device would, except that they need no signature.
    @discardableResult
    public static func check(_ bytes: [UInt8]) throws(WriterError) -> ModelFile {
        let mapping: MappedFile
        do throws(PlatformError) { mapping = try MappedFile(copying: bytes) } catch { throw .platform(error) }
        do throws(ModelFileError) {
            return try ModelFile(validating: mapping, options: ModelFile.Options(allowsUnsigned: true))
        } catch {
            throw .refused(error)
        }
    }
}
