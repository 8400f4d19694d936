import TernFindings

/// What to do about a study that was not analysed.
enum Remedy: Equatable {
    /// The picture is poor: take it again.
    case takeAgain
    /// The picture is of another kind than the model's.
    case otherModel
    /// The file is damaged, too large or of a kind that is not read.
    case sendAgain
    /// The program could not.
    case askSupport

    init(_ reason: CodedTerm?) {
        switch reasonRow(reason)?[1] {
        case "q": self = .takeAgain
        case "m": self = .otherModel
        case "s": self = .askSupport
        default: self = .sendAgain
        }
    }
}

extension WordsText {
    /// Why something was not analysed, in words.
    @inline(never)
    mutating func reason(_ reason: CodedTerm?) {
        guard let reason else { return say("no reason is stated", "未说明原因") }
        if isChinese, let row = reasonRow(reason), row.count == 3 {
            add(row[2])
        } else if isChinese {
            quote(reason.meaning)
        } else {
            add(reason.meaning)
        }
        say(" (code ", "（代码 ")
        add(reason.value)
        say(")", "）")
    }
}

/// Code, remedy and Chinese words of a reason of ours; nil for one that the table does not have.
private func reasonRow(_ reason: CodedTerm?) -> [String]? {
    guard let reason, reason.scheme == "99TERN" else { return nil }
    return rows(of: reasonTable, beginningWith: reason.value).first
}

/// Value in the scheme 99TERN, remedy (q take again, m other model, f send again or none, s support), Chinese. English is the meaning that the result has.
private let reasonTable = """
    BURNED-IN|q|文件标明图像中烧录有标注
    LOSSY|q|图像经有损压缩，不符合模型要求
    IMAGE-TOO-SMALL|q|图像尺寸过小，不满足模型要求
    CONSTANT|q|图像灰度几乎无变化
    TOO-DARK|q|图像过暗
    SATURATED|q|图像过曝区域过多
    BLURRED|q|图像模糊
    TEXT-OVER-FIELD|q|图像视野内叠有文字
    VIEW-OTHER|m|投照体位与模型不符
    COLOUR-NOT-GREY|m|图像为彩色，模型需要灰度图像
    GREY-NOT-COLOUR|m|图像为灰度，模型需要彩色图像
    MODALITY-MISSING|m|文件未标明检查类型
    MODALITY-OTHER|m|检查类型与模型不符
    NO-UNITS|m|模型需要带物理单位的数值，文件未提供
    NOT-FINITE|m|模型对该图像未给出有效数值
    ENGINE|s|推理引擎故障
    QUEUE-DAMAGED|s|已接收的检查无法从磁盘完整读回
    NOT-ATTEMPTED|s|未尝试分析
    UNCONFIRMED|f|阈值未针对该模型文件确认
    OUT-OF-DISTRIBUTION|f|图像与模型适用的图像差异过大
    NO-LABELS|f|模型不报告任何标签
    NO-OPERATING-POINT|f|有标签未设工作点
    FRAMES-OUT-OF-DISTRIBUTION|f|部分帧与模型适用的图像差异过大
    NEAR-THRESHOLD|f|有评分过于接近阈值
    EMPTY|f|输入为空
    NOT-OPENED|f|文件无法打开
    FILE-TOO-LARGE|f|文件过大
    FRAMES-REFUSED|f|部分帧未分析
    NOT-ONE-FRAME|f|实时帧应为单幅图像，文件含多帧
    KIND-MISMATCH|f|文件内容与所声明的格式不符
    NO-SUCH-FRAME|f|文件不含所要求的全部帧
    FRAMES-LIMIT|f|单次检查的帧数过多
    KIND-UNKNOWN|f|不是 DICOM、NIfTI、JPEG 或 PNG 文件
    IMAGE-EMPTY|f|图像没有像素
    IMAGE-TOO-LARGE|f|图像过大
    JPEG-DAMAGED|f|JPEG 文件损坏
    JPEG-TRUNCATED|f|JPEG 文件不完整
    JPEG-COMPONENTS|f|JPEG 文件既非灰度也非 RGB
    JPEG-PRECISION|f|不支持该位深的 JPEG
    JPEG-PROCESS|f|不支持该 JPEG 编码方式
    JPEG-ARITHMETIC|f|不支持算术编码的 JPEG
    JPEG-SCANS|f|JPEG 文件扫描次数过多
    JPEG-SAMPLING|f|不支持降采样的无损 JPEG
    JPEG-HEIGHT|f|不支持高度后置的 JPEG
    J2K-DAMAGED|f|JPEG 2000 图像损坏
    J2K-TRUNCATED|f|JPEG 2000 图像不完整
    J2K-PRECISION|f|不支持该位深的 JPEG 2000
    J2K-COMPONENTS|f|JPEG 2000 图像既非灰度也非 RGB
    J2K-FEATURE|f|不支持该 JPEG 2000 特性
    J2K-TOO-LARGE|f|JPEG 2000 图像所需资源过多
    PNG-DAMAGED|f|PNG 文件损坏
    PNG-TRUNCATED|f|PNG 文件不完整
    PNG-NOT-OPAQUE|f|PNG 图像含透明像素
    DICOM-DAMAGED|f|DICOM 文件损坏
    DICOM-TRUNCATED|f|DICOM 文件不完整
    DICOM-DEPTH|f|DICOM 序列嵌套过深
    DICOM-ATTRIBUTE|f|DICOM 属性缺失、重复或无效
    DICOM-NO-PIXELS|f|DICOM 文件不含图像
    DICOM-SYNTAX|f|不支持该 DICOM 传输语法
    DICOM-FRAMES|f|DICOM 文件帧数过多
    DICOM-FRAGMENTS|f|DICOM 像素片段与帧数不符
    DICOM-NO-FRAME|f|DICOM 文件不含该帧
    DICOM-DEFLATE|f|DICOM 压缩数据集损坏
    DICOM-TOO-LARGE|f|DICOM 解压后数据过大
    DICOM-RLE|f|DICOM 游程编码损坏
    DICOM-FRAME|f|DICOM 压缩图像与数据集不符
    DICOM-PIXELS|f|不支持该 DICOM 像素格式
    DICOM-GREYSCALE|f|不支持该 DICOM 灰度变换
    DICOM-PIXEL-DATA|f|DICOM 像素数据长度不符
    NIFTI-ANALYZE|f|ANALYZE 格式未标明左右，请转换为 NIfTI
    NIFTI-AXES|f|NIfTI 文件维数不支持
    NIFTI-DAMAGED|f|NIfTI 文件损坏
    NIFTI-DATATYPE|f|不支持该 NIfTI 数据类型
    NIFTI-NOT-FINITE|f|NIfTI 切面含非有限数值
    NIFTI-ORIENT|f|NIfTI 空间变换无效
    NIFTI-PAIR|f|NIfTI 文件对缺少其一
    NIFTI-TOO-LARGE|f|NIfTI 体数据过大
    NIFTI-TRUNCATED|f|NIfTI 文件不完整
    """
