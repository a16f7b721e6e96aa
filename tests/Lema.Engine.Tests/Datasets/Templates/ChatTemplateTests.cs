using System.Text.Json;
using Lema.Engine.Datasets.Templates;
using Lema.Engine.Errors;
using Lema.Testing;

namespace Lema.Engine.Tests.Datasets.Templates;

public class ChatTemplateTests
{
    private static readonly JsonElement Messages = JsonDocument.Parse("""[{"role":"user","content":"hi","name":null},{"role":"assistant","content":"yo"}]""").RootElement;

    private static string Render(string template) => ChatTemplate.Parse(template, "test").Render(new ChatRequest { Messages = Messages, BosToken = "<s>" }).Text;

    [Theory]
    [InlineData("{{ bos_token }}{% for m in messages %}[{{ m.role }}:{{ m['content'] }}]{% endfor %}", "<s>[user:hi][assistant:yo]")]
    [InlineData("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + loop.index %}{% endfor %}{{ ns.n }}", "3")]
    [InlineData("  {% if true %}\nx\n  {% endif %}\ny", "x\ny")]
    [InlineData("{{ messages | map(attribute='content') | join(',') }}", "hi,yo")]
    [InlineData("{{ messages[0] | tojson }}", "{\"role\": \"user\", \"content\": \"hi\"}")]
    [InlineData("{{ [1e-7, 1e22, 123456.75, 0.1, 100.0, 1e15, 1e16] }}", "[1e-07, 1e+22, 123456.75, 0.1, 100.0, 1000000000000000.0, 1e+16]")]
    [InlineData("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f('a') ~ f(1) }}", "<a><1>")]
    [InlineData("{{ 'x' if messages | selectattr('role', 'equalto', 'system') else 'y' }}", "x")]
    public void Render_Template_IsWhatJinjaPrints(string template, string expected) => Assert.Equal(expected, Render(template));

    [Fact]
    public void Render_RaiseException_ShowsTheTemplatesOwnWords() =>
        Assert.Equal("Only pairs, please", Assert.Throws<InvalidInputException>(() => Render("{{ raise_exception('Only pairs, please') }}")).Problem);

    [Theory]
    [InlineData("{{ ''.__class__.__mro__ }}")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{{ 'a' * 10 ** 10 }}")]
    [InlineData("{{ 9 ** (9 ** 9) }}")]
    [InlineData("{% include 'x' %}")]
    [InlineData("{% if true %}x")]
    [InlineData("{{ nope.x }}")]
    public void Render_HostileOrBroken_IsATypedError(string template) => Assert.Throws<InvalidInputException>(() => Render(template));

    [Theory]
    [InlineData("((", "))")]
    [InlineData("[[", "]]")]
    [InlineData("not not ", "")]
    public void Parse_DeepNesting_DoesNotEndTheProcess(string open, string close)
    {
        string template = "{{ " + string.Concat(Enumerable.Repeat(open, 100_000)) + "1" + string.Concat(Enumerable.Repeat(close, 100_000)) + " }}";
        Assert.Throws<InvalidInputException>(() => Render(template));
    }

    [Fact]
    public void Render_GenerationBlock_GivesItsSpan()
    {
        RenderedChat chat = ChatTemplate.Parse("{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}{% endgeneration %}{% else %}U:{{ m.content }} {% endif %}{% endfor %}", "test")
            .Render(new ChatRequest { Messages = Messages });
        Assert.Equal("U:hi A:yo", chat.Text);
        Assert.Equal([(7, 9)], chat.Generations);
    }

    [Fact]
    public void Load_FolderWithFileAndInlineTemplate_TakesTheFile()
    {
        using TemporaryFolder folder = new();
        DatasetFixture.Write(folder, "tokenizer_config.json", """{"chat_template":"inline"}""");
        Assert.Equal("inline", ChatTemplate.Load(folder.Path)!.Render(new ChatRequest { Messages = Messages }).Text);
        DatasetFixture.Write(folder, "chat_template.jinja", "file");
        Assert.Equal("file", ChatTemplate.Load(folder.Path)!.Render(new ChatRequest { Messages = Messages }).Text);
    }
}
