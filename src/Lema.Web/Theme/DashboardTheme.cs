using MudBlazor;

namespace Lema.Web.Theme;

/// <summary>The dashboard's colours and type. Text keeps a contrast of at least 4.5 to 1 on its surface in both palettes.</summary>
public static class DashboardTheme
{
    private static readonly string[] Sans = ["Inter", "system-ui", "-apple-system", "Segoe UI", "sans-serif"];

    public static MudTheme Theme { get; } = new()
    {
        PaletteLight = new PaletteLight
        {
            Primary = "#0b6b60", PrimaryContrastText = "#ffffff", Secondary = "#3b5bdb", Tertiary = "#a15c00",
            Background = "#f4f6f6", Surface = "#ffffff", BackgroundGray = "#edf0f0",
            AppbarBackground = "#ffffff", AppbarText = "#10201e", DrawerBackground = "#ffffff", DrawerText = "#10201e", DrawerIcon = "#4b5f5c",
            TextPrimary = "#10201e", TextSecondary = "#4f625f", TextDisabled = "#748582", ActionDefault = "#4b5f5c",
            LinesDefault = "#dde4e3", LinesInputs = "#8b9b98", TableLines = "#e6ebea", Divider = "#dde4e3", TableHover = "#f0f4f3",
            Success = "#1a7f37", Warning = "#8f5a00", Error = "#c0262d", Info = "#1f5fbf",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#4fd1bd", PrimaryContrastText = "#04211d", Secondary = "#8ea8ff", Tertiary = "#f0b357",
            Background = "#0d1213", Surface = "#151c1d", BackgroundGray = "#1b2425",
            AppbarBackground = "#111819", AppbarText = "#e4eceb", DrawerBackground = "#111819", DrawerText = "#e4eceb", DrawerIcon = "#9db0ad",
            TextPrimary = "#e4eceb", TextSecondary = "#9fb2af", TextDisabled = "#7d908d", ActionDefault = "#9db0ad",
            LinesDefault = "#283335", LinesInputs = "#5f7370", TableLines = "#222d2e", Divider = "#283335", TableHover = "#1b2526",
            Success = "#5bd082", Warning = "#f0b357", Error = "#ff8080", Info = "#7fb2ff", ErrorContrastText = "#2b0505", SuccessContrastText = "#04210f",
        },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Sans, FontSize = ".875rem", LineHeight = "1.5", LetterSpacing = "normal" },
            H1 = new H1Typography { FontFamily = Sans, FontSize = "1.375rem", FontWeight = "650", LineHeight = "1.3", LetterSpacing = "-.01em" },
            H2 = new H2Typography { FontFamily = Sans, FontSize = "1rem", FontWeight = "620", LineHeight = "1.4", LetterSpacing = "-.005em" },
            Button = new ButtonTypography { FontFamily = Sans, FontSize = ".84rem", FontWeight = "600", LetterSpacing = "normal", TextTransform = "none" },
        },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "8px" },
    };
}
