public import TernPlatform

/// The validated fields of the header page, Models/FORMAT.md section 1.
public struct ModelHeader: Equatable, Sendable {
    public var name: String
    public var version: String
    public var arenaByteCount: Int
    /// Input image [channels, height, width] f32, byte offset in the arena.
    public var inputByteOffset: Int
    public var outputByteOffset: Int
    public var outputCount: Int
    public var channels: Int
    public var height: Int
    public var width: Int
    public init(
        name: String, version: String, arenaByteCount: Int, inputByteOffset: Int, outputByteOffset: Int, outputCount: Int, channels: Int,
        height: Int, width: Int
    ) {
        self.name = name
        self.version = version
        self.arenaByteCount = arenaByteCount
        self.inputByteOffset = inputByteOffset
        self.outputByteOffset = outputByteOffset
        self.outputCount = outputCount
        self.channels = channels
        self.height = height
        self.width = width
    }
}

/// A model file that has been validated as a whole; its views cannot fail.
public final class ModelFile {
    public enum Signature: Equatable, Sendable {
        case unsigned
        /// Valid under this Ed25519 public key (32 bytes).
        case valid(publicKey: [UInt8])
    }
    public struct Options: Equatable, Sendable {
        /// False leaves out section digests and the scan of weights (rules F-08, F-14, F-15, F-19); identity and signature are always checked.
        public var verifiesContent: Bool
        public var allowsUnsigned: Bool
        /// When not empty, only files signed by one of these Ed25519 public keys load.
        public var trustedKeys: [[UInt8]]
        public init(verifiesContent: Bool = true, allowsUnsigned: Bool = false, trustedKeys: [[UInt8]] = []) {
            self.verifiesContent = verifiesContent
            self.allowsUnsigned = allowsUnsigned
            self.trustedKeys = trustedKeys
        }
    }
    public let header: ModelHeader
    public let tensors: [Tensor]
    public let operations: [NamedOperation]
    public let recipe: InputRecipe
    public let labels: Labels
    /// BLAKE2b-256 of the header, 32 bytes.
    public let identity: [UInt8]
    public let signature: Signature
    public let goldenCount: Int
    private let mapping: MappedFile

    public init(validating mapping: MappedFile, options: Options = Options()) throws(ModelFileError) {
        throw ModelFileError.notAModelFile
    }

    /// The packed bytes of a tensor, in place.
    @_lifetime(borrow self)
    public func bytes(ofTensor index: Int) -> RawSpan { mapping.bytes(heldBy: self) }

    /// The prepared input of a golden vector, f32 [channels, height, width].
    @_lifetime(borrow self)
    public func goldenInput(_ index: Int) -> RawSpan { mapping.bytes(heldBy: self) }

    /// The expected output of a golden vector, f32.
    @_lifetime(borrow self)
    public func goldenOutput(_ index: Int) -> RawSpan { mapping.bytes(heldBy: self) }

    /// The model card, UTF-8 JSON.
    public var card: RawSpan {
        @_lifetime(borrow self) get { mapping.bytes(heldBy: self) }
    }
}

/// Why a model file was refused. Rule numbers are those of Models/FORMAT.md.
public enum ModelFileError: Error, Equatable, Sendable {
    /// F-01: the first eight bytes are not the magic.
    case notAModelFile
}
