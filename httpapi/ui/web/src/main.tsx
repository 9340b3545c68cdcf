import './style.css'
import './shell/shell.css'
import { render } from 'preact'
import { App } from './app'
import { session } from './session'
import { startState } from './state'
import { startTheme } from './theme'

startTheme()
void session.start() // strips the token of the address before the state is read
startState()
const root = document.getElementById('app')
if (root) render(<App />, root)
