using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Lema.Engine.Tests.Datasets;

/// <summary>Texts of all kinds for properties: words and figures, white space, scripts and emoji, bytes that stand alone, combining marks, and what looks like a special token.</summary>
public static class AnyText
{
    private static readonly string[] Pieces =
    [
        "the", " capital", " of", " France", "Don't", " I'll", "3.14159", " 1,000,000", "  ", "\n", "\n\n  ", "\t", "\r\n", "\u00A0", "_x__", "->", "!!!", "…", "ß", "é", "e\u0301", "Ångström", "中文字符", "日本語のテキスト", "한국어", "हिन्दी", "עברית",
        "العربية", "🙂", "👩‍👩‍👧", "🇫🇷", "𝔘𝔫𝔦", "\0", "\u0001", "\uFFFD", "\uFEFF", "\u200B", "<|im_start|>", "<|im_end|>", "<|im", "assistant\n", "[LEMA_REPLY]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];

    // Lone surrogates are no text: UTF-8 cannot hold them.
    private static readonly Gen<string> Scalar = Gen.Choose(0, 0x10FFFF).Where(Rune.IsValid).Select(value => new Rune(value).ToString());

    public static Arbitrary<string> Strings() => Gen.Frequency((4, Gen.Elements(Pieces)), (1, Scalar)).ListOf().Select(string.Concat).ToArbitrary();
}
