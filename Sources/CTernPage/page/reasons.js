
/* Coded reasons in plain words: what is wrong, and what to do about it. A code that is not here is shown as the result words it. */
const advice = {
  retake: ["Take the image again if you can.", "如可能，请重新拍摄。"],
  resend: ["Copy the file again from where it comes from.", "请从来源处重新复制此文件。"],
  convert: ["Export it from the source as plain DICOM, PNG or JPEG.", "请从来源处导出为普通 DICOM、PNG 或 JPEG。"],
  person: ["Let a person read it.", "请由人工判读。"],
  other: ["Use a model that is made for such images, or let a person read it.", "请使用适合此类图像的模型，或由人工判读。"],
};
const reasons = {
  "TOO-DARK": ["the image is too dark", "图像过暗", "retake"],
  "SATURATED": ["too much of the image is pure white", "图像过曝", "retake"],
  "CONSTANT": ["the image is almost one colour", "图像几乎为单一颜色", "retake"],
  "BLURRED": ["the image is blurred", "图像模糊", "retake"],
  "IMAGE-TOO-SMALL": ["the image is too small for the model", "图像尺寸小于模型要求", "retake"],
  "TEXT-OVER-FIELD": ["writing lies over the image", "图像上有文字", "retake"],
  "BURNED-IN": ["the file says that writing is burned into the image", "文件注明图像中有烧录文字", "other"],
  "LOSSY": ["the image was compressed with loss", "图像经过有损压缩", "resend"],
  "COLOUR-NOT-GREY": ["the image is in colour, the model needs grey", "图像为彩色，模型需要灰度图像", "other"],
  "GREY-NOT-COLOUR": ["the image is grey, the model needs colour", "图像为灰度，模型需要彩色图像", "other"],
  "VIEW-OTHER": ["it is another view than the model is made for", "体位与模型要求不符", "other"],
  "MODALITY-OTHER": ["it comes from another kind of device than the model is made for", "成像方式与模型要求不符", "other"],
  "MODALITY-MISSING": ["the file does not say what kind of device it comes from", "文件未注明成像方式", "other"],
  "NO-UNITS": ["the model needs values in physical units, which the file does not have", "模型需要物理单位数值，而文件没有", "other"],
  "KIND-UNKNOWN": ["it is no DICOM, NIfTI, JPEG or PNG file", "不是 DICOM、NIfTI、JPEG 或 PNG 文件", "convert"],
  "KIND-MISMATCH": ["the file is not of the kind that it is said to be", "文件与声明的类型不符", "resend"],
  "EMPTY": ["the file is empty", "文件为空", "resend"],
  "NOT-OPENED": ["the file could not be opened", "文件无法打开", "resend"],
  "FILE-TOO-LARGE": ["the file is too large", "文件过大", "convert"],
  "IMAGE-TOO-LARGE": ["the image is too large", "图像过大", "convert"],
  "IMAGE-EMPTY": ["the image has no pixels", "图像没有像素", "resend"],
  "NOT-ONE-FRAME": ["it is not one picture but several", "不是单幅图像", "convert"],
  "FRAMES-LIMIT": ["it has too many frames", "帧数过多", "convert"],
  "NO-SUCH-FRAME": ["the file does not have all the frames that were asked for", "文件中没有所要求的全部帧", "resend"],
  "FRAMES-REFUSED": ["some frames could not be analysed", "部分帧未能分析", "person"],
  "NOT-FINITE": ["the image has values that are no numbers", "图像中有无效数值", "resend"],
  "DICOM-NO-PIXELS": ["the DICOM file has no image", "DICOM 文件中没有图像", "resend"],
  "DICOM-SYNTAX": ["its kind of DICOM compression is not read", "不支持此 DICOM 压缩格式", "convert"],
  "NIFTI-PAIR": ["the other half of the pair (.hdr, .img) is missing", "缺少配对文件（.hdr、.img）", "resend"],
  "NIFTI-ANALYZE": ["ANALYZE 7.5 does not say left and right", "ANALYZE 7.5 格式不区分左右", "convert"],
  "PNG-NOT-OPAQUE": ["the image has transparent pixels", "图像有透明像素", "convert"],
  "QUEUE-DAMAGED": ["it could not be read back from the disk", "无法从磁盘读回", "resend"],
  "NOT-ATTEMPTED": ["the analysis was not attempted", "尚未进行分析", "person"],
  "UNCONFIRMED": ["the thresholds are not confirmed for this model file", "阈值未针对此模型文件确认", "person"],
  "OUT-OF-DISTRIBUTION": ["the image is unlike those that the model was made for", "图像与模型所针对的图像不同", "person"],
  "NO-LABELS": ["the model reports no label", "模型不报告任何标签", "person"],
  "NO-OPERATING-POINT": ["the model has no threshold for a label", "某个标签没有阈值", "person"],
  "FRAMES-OUT-OF-DISTRIBUTION": ["some frames are unlike those that the model was made for", "部分帧与模型所针对的图像不同", "person"],
  "NEAR-THRESHOLD": ["a score is too near to its threshold", "分数距阈值太近", "person"],
};
/* Families of codes, by how they begin or end. */
const reasonFamilies = [
  [/-DAMAGED$|^DICOM-(ATTRIBUTE|DEFLATE|RLE|FRAME|FRAGMENTS|DEPTH|PIXEL-DATA)$|^NIFTI-NOT-FINITE$/, ["the file is damaged", "文件已损坏", "resend"]],
  [/-TRUNCATED$/, ["the file is incomplete", "文件不完整", "resend"]],
  [/-TOO-LARGE$|^JPEG-SCANS$/, ["the image is too large", "图像过大", "convert"]],
  [/^(JPEG|J2K|PNG|DICOM|NIFTI)-/, ["this form of the file is not read", "不支持此种文件形式", "convert"]],
];

/* { text, advice } of a coded term in the reader's language; `text` has no full stop. */
function explained(term) {
  const entry = reasons[term.value] ?? reasonFamilies.find(([pattern]) => pattern.test(term.value))?.[1];
  const index = language === "zh" ? 1 : 0;
  if (!entry) return { text: lowerFirst(term.meaning || term.value), advice: advice.person[index] };
  return { text: entry[index], advice: advice[entry[2]][index] };
}
const lowerFirst = (text) => (/^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);
const upperFirst = (text) => text.charAt(0).toUpperCase() + text.slice(1);
