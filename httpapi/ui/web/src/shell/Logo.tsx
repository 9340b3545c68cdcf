export function Logo() {
  return (
    <span class="logo">
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" fill="var(--accent)" />
        <g fill="var(--on-accent)">
          <rect x="7" y="8" width="18" height="4" rx="2" />
          <rect x="11" y="14" width="11" height="4" rx="2" opacity=".85" />
          <rect x="15" y="20" width="10" height="4" rx="2" opacity=".7" />
        </g>
      </svg>
      <span>Tracebed</span>
    </span>
  )
}
