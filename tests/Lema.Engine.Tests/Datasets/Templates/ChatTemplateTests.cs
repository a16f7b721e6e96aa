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
    [InlineData("{{ 7 | round }} {{ -15 | round(-1) }} {{ 2.5 | round }} {{ 7 | round(0, 'ceil') }}", "7 -20 2.0 7.0")]
    [InlineData("{{ -7 % 2.5 }} {{ 7 % -2.5 }} {{ -7.0 // 2 }} {{ 3.5 is odd }} {{ 3.0 is odd }}", "0.5 -0.5 -4.0 False True")]
    [InlineData("[{{ 7[1:] }}][{{ 'abc'['x':] }}][{{ none | map('upper') | list }}]", "[][][[]]")]
    [InlineData("{{ '%x %o %e %(a)s' % {'a': 1} if false else '%x|%o|%e|%c' % (255, -8, 1234.5, 65) }}", "ff|-10|1.234500e+03|A")]
    [InlineData("{{ '%(a)s-%(b)03d' % {'a': 'x', 'b': 7} }} {{ '{:,}|{:>6}|{:05.1f}|{:e}'.format(1234567, 'ab', 2.25, 12) }}", "x-007 1,234,567|    ab|002.2|1.200000e+01")]
    [InlineData("{{ 'a-b c' | wordcount }} {{ 'ab' | center(5) }}| {{ (1, 2) * 2 }}", "3   ab | (1, 2, 1, 2)")]
    [InlineData("{{ 'hello world'.count('o', 5) }} {{ 'hello'.find('l', 3) }} {{ 'hello'.startswith('l', 2) }}", "1 3 True")]
    [InlineData("{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') | map(attribute='b') | list }}", "[1, 2, 1]")]
    [InlineData("{{ [{'a': {}}, {}] | map(attribute='a.b', default='-') | list }} {{ [1, 2] | slice(2, 'x') | list }}", "['-', '-'] [[1, 'x'], [2, 'x']]")]
    public void Render_Template_IsWhatJinjaPrints(string template, string expected) => Assert.Equal(expected, Render(template));

    [Fact]
    public void Render_RaiseException_ShowsTheTemplatesOwnWords() =>
        Assert.Equal("Only pairs, please", Assert.Throws<InvalidInputException>(() => Render("{{ raise_exception('Only pairs, please') }}")).Problem);

    [Theory(DisplayName = "model code: a hostile or broken template")]
    [InlineData("{{ ''.__class__.__mro__ }}")]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{{ 'a' * 10 ** 10 }}")]
    [InlineData("{{ 9 ** (9 ** 9) }}")]
    [InlineData("{% include 'x' %}")]
    [InlineData("{% if true %}x")]
    [InlineData("{{ nope.x }}")]
    [InlineData("{{ '%d' % (10.0 ** 308 * 10) }}")]
    [InlineData("{{ 5 | truncate(2) }}")]
    [InlineData("{{ ['a'] | indent }}")]
    [InlineData("{{ 'a'.partition('') }}")]
    public void Render_HostileOrBroken_IsATypedError(string template) => Assert.Throws<InvalidInputException>(() => Render(template));

    [Theory(DisplayName = "model code: a template that nests deep")]
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
