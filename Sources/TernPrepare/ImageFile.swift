import TernBytes
import TernDICOM
public import TernImage
import TernJPEG
import TernJPEG2000
import TernJPEGLossless
import TernNIfTI
import TernPNG

/// A kind of image file.
public enum ImageKind: String, Equatable, Sendable {
    case jpeg
    case png
    case dicom
    /// NIfTI-1 and -2, compressed or not.
    case nifti

    /// Tells the kind from the first bytes; nil when they are none of these.
    ///
    /// A DICOM preamble may hold another file's header, so the mark of DICOM counts before the others.
    public init?(recognising bytes: RawSpan) {
        var reader = ByteReader(bytes)
        let start: UInt32
        do throws(ReadError) { start = try reader.readUInt32BE() } catch { return nil }
        if DICOMDecoder.recognises(bytes) {
            self = .dicom
        } else if start >> 8 == 0xFFD8FF {
            self = .jpeg
        } else if start == 0x8950_4E47 {
            self = .png
        } else if NIfTIFile.recognises(bytes) {
            self = .nifti
        } else {
            return nil
        }
    }
}

/// An image file that has been read up to its pixels: what it says of itself, and its frames one at a time.
///
/// The bytes stay with the caller, who gives the same ones for each frame. Nothing in it names a patient.
public struct ImageFile: Sendable {
    private enum Content: Sendable {
        case jpeg
        case png
        case dicom(DICOMFile)
        case nifti(NIfTIFile)
    }
    /// Where the axes of a volume come from.
    public enum Orientation: String, Equatable, Sendable {
        case sform
        case qform
        /// The file does not say: left and right are not known.
        case assumed
    }

    public let kind: ImageKind
    /// 1 for JPEG and PNG; slices of all volumes for NIfTI.
    public let frameCount: Int
    /// SOP Instance UID of a DICOM file.
    public let sopInstanceUID: String?
    /// Modality (CS) of a DICOM file.
    public let modality: String?
    public let attributes: ImageAttributes
    /// Nil but for NIfTI.
    public let orientation: Orientation?
    private let content: Content

    /// Reads a file of a given kind up to its pixels.
    ///
    /// - Throws: `PrepareError`, whose class says how a service answers.
    public init(parsing bytes: RawSpan, as kind: ImageKind) throws(PrepareError) {
        switch kind {
        case .jpeg: self.init(.jpeg)
        case .png: self.init(.png)
        case .dicom:
            do throws(DICOMError) { self.init(try DICOMFile(parsing: bytes)) } catch { throw .dicom(error) }
        case .nifti:
            do throws(NIfTIError) { self.init(try NIfTIFile(parsing: bytes)) } catch { throw .nifti(error) }
        }
    }

    /// Whether the bytes are the header of a NIfTI pair, which lacks its samples.
    public static func isPairHeader(_ bytes: RawSpan) -> Bool { NIfTIFile.isPairHeader(bytes) }

    /// Reads a NIfTI pair; its frames are in the bytes of `data`.
    ///
    /// - Throws: `.nifti`.
    public init(pairHeader: RawSpan, data: RawSpan) throws(PrepareError) {
        do throws(NIfTIError) { self.init(try NIfTIFile(pairHeader: pairHeader, data: data)) } catch { throw .nifti(error) }
    }

    private init(_ content: Content) {
        self.content = content
        frameCount = 1
        sopInstanceUID = nil
        modality = nil
        orientation = nil
        var attributes = ImageAttributes()
        if case .jpeg = content {
            kind = .jpeg
            attributes.isLossyCompressed = true
        } else {
            kind = .png
        }
        self.attributes = attributes
    }

    private init(_ file: DICOMFile) {
        kind = .dicom
        content = .dicom(file)
        frameCount = file.frameCount
        sopInstanceUID = file.sopInstanceUID?.description
        modality = file.modality
        attributes = file.attributes
        orientation = nil
    }

    private init(_ file: NIfTIFile) {
        kind = .nifti
        content = .nifti(file)
        frameCount = file.frameCount
        sopInstanceUID = nil
        modality = nil
        attributes = file.attributes
        orientation =
            switch file.orientationSource {
            case .sform: .sform
            case .qform: .qform
            case .none: .assumed
            }
    }

    /// Decodes one frame.
    ///
    /// - Parameters:
    ///   - index: 0 ..< `frameCount`.
    ///   - bytes: those that the file was read from, of a pair those of the data.
    /// - Throws: `PrepareError`.
    public func frame(_ index: Int, of bytes: RawSpan) throws(PrepareError) -> DecodedImage {
        precondition((0..<frameCount).contains(index), "a frame of the file")
        switch content {
        case .jpeg:
            do throws(JPEGError) { return try JPEGDecoder.decode(bytes) } catch { throw .jpeg(error) }
        case .png:
            do throws(PNGError) { return try PNGDecoder.decode(bytes) } catch { throw .png(error) }
        case .dicom(let file):
            let frame: DICOMFrame
            do throws(DICOMError) { frame = try file.frame(index, of: bytes) } catch { throw .dicom(error) }
            switch frame {
            case .native(let image): return image
            case .encapsulated(let stream):
                let decoded = try decode(stream)
                do throws(DICOMError) { return try file.image(from: decoded, frame: index) } catch { throw .dicom(error) }
            }
        case .nifti(let file):
            do throws(NIfTIError) { return try file.frame(index, of: bytes) } catch { throw .nifti(error) }
        }
    }

    /// Milliseconds from the first frame to this one; nil when the file does not say.
    public func milliseconds(toFrame index: Int) -> Double? {
        guard case .dicom(let file) = content else { return nil }
        return file.milliseconds(toFrame: index)
    }
}

/// Decodes the code stream of a DICOM frame.
private func decode(_ frame: EncapsulatedFrame) throws(PrepareError) -> DecodedImage {
    switch frame.codec {
    case .jpeg:
        do throws(JPEGError) {
            // The data set's own attributes say how the image lies: an EXIF orientation inside has no say.
            return try JPEGDecoder.decode(
                frame.bytes.rawBytes, orientation: .ignore,
                colour: frame.colour == .redGreenBlue ? .redGreenBlueUnlessMarked : .fromMarkers)
        } catch {
            throw .jpeg(error)
        }
    case .jpegLossless:
        do throws(JPEGLosslessError) { return try JPEGLosslessDecoder.decode(frame.bytes.rawBytes) } catch { throw .jpegLossless(error) }
    case .jpeg2000:
        do throws(JPEG2000Error) { return try JPEG2000Decoder.decode(frame.bytes.rawBytes) } catch { throw .jpeg2000(error) }
    }
}
