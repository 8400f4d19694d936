import Foundation
import TernImage
import TernModel
import TernPlatform
import TernPrepare

/// Reads an image file of one frame.
func decodedImage(_ path: String) throws(Failure) -> (file: ImageFile, image: DecodedImage) {
    let mapping = try mapFile(path)
    let bytes = mapping.bytes
    guard let kind = ImageKind(recognising: bytes) else {
        throw Failure(.badInput, "\(path) is neither DICOM, NIfTI, JPEG nor PNG; leave it out")
    }
    let file: ImageFile
    let image: DecodedImage
    do throws(PrepareError) {
        file = try ImageFile(parsing: bytes, as: kind)
        image = try file.frame(0, of: bytes)
    } catch {
        throw Failure(.badInput, "\(path): \(error.message)")
    }
    guard file.frameCount == 1 else { throw Failure(.badInput, "\(path) has \(file.frameCount) frames; ternd infer --frames reads some of them") }
    return (file, image)
}

/// Decodes an image file and prepares it as the model's recipe says.
func preparedImage(_ path: String, _ model: ModelFile) throws(Failure) -> [Float] {
    let (file, image) = try decodedImage(path)
    return try preparedImage(file, image, model, name: path)
}

/// Prepares the image of a file whose modality must be the recipe's.
func preparedImage(_ file: ImageFile, _ image: DecodedImage, _ model: ModelFile, name: String) throws(Failure) -> [Float] {
    do throws(PrepareError) {
        try checkModality(file.modality, of: file.kind, for: model.recipe)
    } catch {
        throw Failure(.badInput, "\(name): \(error.message)")
    }
    return try preparedImage(image, model, name: name)
}

/// Prepares decoded pixels as the model's recipe says.
func preparedImage(_ image: DecodedImage, _ model: ModelFile, name: String) throws(Failure) -> [Float] {
    do throws(PrepareError) {
        return try prepare(image, recipe: model.recipe).values
    } catch {
        throw Failure(.badInput, "\(name): \(error.message)")
    }
}

/// The files of a folder and its subfolders that end like images, in order of their paths; a file stands for itself.
func imageFiles(_ paths: [String]) throws(Failure) -> [String] {
    var files: [String] = []
    for path in paths {
        guard FileManager.default.fileExists(atPath: path) else { throw Failure(.cannotOpen, "there is no file or folder \(path)") }
        guard FileManager.default.fileExists(atPath: path + "/.") else {
            files.append(path)
            continue
        }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        let found = names.filter { name in [".png", ".jpg", ".jpeg", ".dcm", ".nii", ".nii.gz"].contains { name.lowercased().hasSuffix($0) } }
        files += found.sorted().map { path + "/" + $0 }
    }
    guard !files.isEmpty else { throw Failure(.badInput, "no image (.png, .jpg, .jpeg, .dcm, .nii, .nii.gz) in \(paths.joined(separator: ", "))") }
    return files
}
