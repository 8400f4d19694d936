import TernBytes
import TernDICOM
public import TernImage
import TernJPEG
import TernPNG

/// A kind of image file.
public enum ImageKind: Equatable, Sendable {
    case jpeg
    case png
    case dicom

    /// Tells the kind from the first bytes; nil when they are none of the three.
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
        } else {
            return nil
        }
    }
}

/// An image together with what its file says about where it comes from.
public struct DecodedInput: Sendable {
    public var kind: ImageKind
    public var image: DecodedImage
    /// SOP Instance UID of a DICOM file.
    public var sopInstanceUID: String?
    /// Modality (CS) of a DICOM file.
    public var modality: String?
    public init(kind: ImageKind, image: DecodedImage, sopInstanceUID: String? = nil, modality: String? = nil) {
        self.kind = kind
        self.image = image
        self.sopInstanceUID = sopInstanceUID
        self.modality = modality
    }
}

/// Decodes an image file of a given kind.
///
/// - Throws: `PrepareError`, whose class says how a service answers.
public func decodeImage(_ bytes: RawSpan, as kind: ImageKind) throws(PrepareError) -> DecodedInput {
    switch kind {
    case .jpeg:
        do throws(JPEGError) {
            return DecodedInput(kind: kind, image: try JPEGDecoder.decode(bytes))
        } catch {
            throw .jpeg(error)
        }
    case .png:
        do throws(PNGError) {
            return DecodedInput(kind: kind, image: try PNGDecoder.decode(bytes))
        } catch {
            throw .png(error)
        }
    case .dicom:
        let file: DICOMFile
        let frame: DICOMFrame
        do throws(DICOMError) {
            file = try DICOMFile(parsing: bytes)
            // Which frame counts is not for a decoder to choose.
            guard file.frameCount == 1 else { throw .tooManyFrames(file.frameCount, limit: 1) }
            frame = try file.frame(0, of: bytes)
        } catch {
            throw .dicom(error)
        }
        let image = try decodeFrame(frame, number: 0, of: file)
        return DecodedInput(kind: kind, image: image, sopInstanceUID: file.sopInstanceUID?.description, modality: file.modality)
    }
}

/// Decodes what a frame of a DICOM file holds, by the codec of its transfer syntax.
private func decodeFrame(_ frame: DICOMFrame, number: Int, of file: DICOMFile) throws(PrepareError) -> DecodedImage {
    switch frame {
    case .native(let image): return image
    case .encapsulated(let encapsulated):
        let decoded: DecodedImage
        switch encapsulated.codec {
        case .jpeg: decoded = try decodeJPEG(encapsulated)
        case .jpegLossless, .jpeg2000: throw .dicom(.unsupportedTransferSyntax(encapsulated.transferSyntax))
        }
        do throws(DICOMError) { return try file.image(from: decoded, frame: number) } catch { throw .dicom(error) }
    }
}

/// Decodes the JPEG of a DICOM frame; colour becomes RGB.
private func decodeJPEG(_ frame: EncapsulatedFrame) throws(PrepareError) -> DecodedImage {
    do throws(JPEGError) {
        // The data set's own attributes say how the image lies: an EXIF orientation inside has no say.
        return try JPEGDecoder.decode(
            frame.bytes.rawBytes, orientation: .ignore,
            colour: frame.colour == .redGreenBlue ? .redGreenBlueUnlessMarked : .fromMarkers)
    } catch {
        throw .jpeg(error)
    }
}
