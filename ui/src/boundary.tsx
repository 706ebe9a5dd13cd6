import { Component, type ReactNode } from 'react'
import { Banner } from './parts/banner'
import { Button } from './parts/button'
import { Page } from './parts/page'

/** A page that fails takes only itself down: navigation and the other pages go on. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown }

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (error === null) return this.props.children
    return (
      <Page title="This page failed">
        <Banner
          tone="bad"
          title="Something in this page went wrong, or a part of it could not be loaded"
          actions={<Button onClick={() => location.reload()}>Load again</Button>}
        >
          It may be of another version than the gateway that runs now; then loading it again helps. It said:{' '}
          <span className="mono">{error instanceof Error ? error.message : String(error)}</span>
        </Banner>
      </Page>
    )
  }
}
