using System.Text;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Datasets.Tokenizers;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets;

/// <summary>The embedded model's tokenizer, which has all 256 bytes, and small files to read.</summary>
internal static class DatasetFixture
{
    private static readonly Lazy<Tokenizer> LazyTokenizer = new(() => Tokenizer.Load(TinyModel.Folder));

    public static Tokenizer Tokenizer => LazyTokenizer.Value;

    public const string ChatMl =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    public static ChatTemplate ChatMlTemplate => ChatTemplate.Parse(ChatMl, "chatml");

    public static string Write(TemporaryFolder folder, string name, string text)
    {
        string path = Path.Combine(folder.Path, name);
        File.WriteAllText(path, text, new UTF8Encoding(false));
        return path;
    }
}
